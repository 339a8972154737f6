import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError, type NewPerson } from "../api/client";
import type { MadeAvatar } from "../api/types";
import { type Language, TranslateProvider, translator } from "../i18n";
import { Cast } from "../session/cast";
import { refusalOf, stillFaceHint } from "../session/making";
import { withDialogs } from "../testing/dialogs";
import { avatar, madeAvatar, manifest } from "../testing/examples";
import { People } from "./People";

const anna = { ...madeAvatar, name: "Anna" };
const JPEG = "\xff\xd8\xff\xe0";
const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text, (character) => character.charCodeAt(0));
const file = (head: string, more = 0): File => new File([bytes(head), new Uint8Array(more)], "photo.jpg");

/** jsdom reads files the older way only. */
Object.assign(Blob.prototype, {
  arrayBuffer(this: Blob) {
    return new Promise((resolve) => {
      const reader = new FileReader();
      reader.onload = () => {
        resolve(reader.result);
      };
      reader.readAsArrayBuffer(this);
    });
  },
});

/** A server in memory: what is made waits for `answer` or `refuse`. */
class World {
  asked: NewPerson[] = [];
  deleted: string[] = [];
  deleteFails: ApiError | null = null;
  signal: AbortSignal | null = null;
  answer: (made: MadeAvatar) => void = () => undefined;
  refuse: (error: Error) => void = () => undefined;
  made: MadeAvatar[] = [];
  told: [string, string[]][] = [];
  closed = 0;
  readonly cast = new Cast({
    avatars: () => Promise.resolve([avatar, anna]),
    avatar: (id) => Promise.resolve({ ...manifest, id }),
    voices: () => Promise.resolve([]),
    makeAvatar: (person, signal) => {
      this.asked.push(person);
      this.signal = signal;
      return new Promise((resolve, reject) => {
        this.answer = resolve;
        this.refuse = reject;
      });
    },
    deleteAvatar: (id) => {
      this.deleted.push(id);
      return this.deleteFails ? Promise.reject(this.deleteFails) : Promise.resolve();
    },
  });
}

let world: World;
beforeEach(() => {
  withDialogs();
  world = new World();
  vi.stubGlobal("URL", Object.assign(URL, { createObjectURL: () => "blob:photo", revokeObjectURL: () => undefined }));
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

interface Circumstances {
  consentRequired?: boolean;
  talking?: boolean;
  currentId?: string;
  language?: Language;
}

async function open({ consentRequired = false, talking = false, currentId = "demo-avatar", language = "en" }: Circumstances = {}): Promise<void> {
  render(
    <TranslateProvider value={translator(language)}>
      <People
        open
        avatars={[avatar, anna]}
        currentId={currentId}
        cast={world.cast}
        previewUrl={(id) => `avatars/${id}/preview`}
        talking={talking}
        consentRequired={consentRequired}
        onChoose={() => undefined}
        onMade={(made) => world.made.push(made)}
        onDeleted={(id, left) => world.told.push([id, left.map((one) => one.id)])}
        onClose={() => (world.closed += 1)}
      />
    </TranslateProvider>,
  );
  await settle();
}

/** Long enough for jsdom to read a file. */
const settle = (): Promise<void> => act(() => new Promise<void>((resolve) => setTimeout(resolve, 20)));
const view = (): string | null => screen.getByTestId("people").getAttribute("data-view");

async function openForm(circumstances: Circumstances = {}): Promise<void> {
  await open(circumstances);
  fireEvent.click(screen.getByTestId("make-open"));
}

async function choose(photo: File): Promise<void> {
  fireEvent.change(screen.getByTestId("make-photo"), { target: { files: [photo] } });
  await settle();
}

const write = (name: string): boolean => fireEvent.change(screen.getByTestId("make-name"), { target: { value: name } });
const submit = (): boolean => fireEvent.submit(screen.getByTestId("make"));

describe("making a character from a photo", () => {
  it("begins with the first tile and a title that has the keyboard", async () => {
    await open();
    expect(screen.getByTestId("people").querySelector(".person")).toBe(screen.getByTestId("make-open"));
    fireEvent.click(screen.getByTestId("make-open"));
    expect(screen.getByRole("dialog", { name: "Make one from a photo" })).toBeTruthy();
    expect(document.activeElement?.textContent).toBe("Make one from a photo");
  });

  it("sends photo, name, voice and consent, shows that it works, and hands over who came of it", async () => {
    await openForm();
    const photo = file(JPEG);
    await choose(photo);
    expect(screen.getByTestId("make-picture")).toHaveProperty("src", "blob:photo");
    write("  Anna ");
    fireEvent.click(screen.getByTestId("make-consent"));
    submit();
    expect(world.asked).toEqual([{ photo, name: "Anna", baseId: "demo-avatar", consent: true }]);
    expect(screen.getByRole("status").textContent).toContain("Getting Anna ready");
    expect(screen.getByRole("progressbar")).toBeTruthy();
    submit();
    expect(world.asked).toHaveLength(1);
    world.answer(madeAvatar);
    await settle();
    expect(world.made).toEqual([madeAvatar]);
  });

  it("takes a photo that is dropped anywhere on the form", async () => {
    await openForm();
    const wasLeftToTheBrowser = fireEvent.drop(screen.getByTestId("make"), { dataTransfer: { files: [file(JPEG)] } });
    await settle();
    expect([wasLeftToTheBrowser, screen.queryByTestId("make-picture") !== null]).toEqual([false, true]);
  });

  it.each([
    ["HEIC", file("\0\0\0\x18ftypheic"), /HEIC/],
    ["more than 10 MB", file(JPEG, 10 * 2 ** 20), /larger than 10 MB/],
    ["no picture", file("%PDF-1.7"), /no photo/],
  ])("refuses %s before anything is sent", async (_what, photo, words) => {
    await openForm();
    write("Anna");
    await choose(photo);
    expect(screen.getByRole("alert").textContent).toMatch(words);
    submit();
    expect([world.asked, document.activeElement]).toEqual([[], screen.getByTestId("make-photo")]);
    await choose(file("RIFF\0\0\0\0WEBP"));
    expect(screen.queryByRole("alert")).toBeNull();
    submit();
    expect(world.asked).toHaveLength(1);
  });

  it("says what is missing, one thing after another", async () => {
    await openForm({ consentRequired: true });
    submit();
    expect(screen.getByTestId("photo-fault").textContent).toBe("Choose a photo first.");
    await choose(file("\x89PNG\r\n\x1a\n"));
    submit();
    expect(document.activeElement).toBe(screen.getByTestId("make-name"));
    expect(screen.getByText("Give the character a name.")).toBeTruthy();
    write("Anna");
    submit();
    expect(document.activeElement).toBe(screen.getByTestId("make-consent"));
    expect(screen.getByText("This server takes faces only of people who agreed.")).toBeTruthy();
    expect(world.asked).toEqual([]);
    fireEvent.click(screen.getByTestId("make-consent"));
    submit();
    expect(world.asked.map(({ consent }) => consent)).toEqual([true]);
  });

  it("does not state a consent that nobody gave", async () => {
    await openForm();
    await choose(file(JPEG));
    write("Anna");
    submit();
    expect(world.asked.map(({ consent }) => consent)).toEqual([false]);
  });

  it("says why the server refused, keeps what was written, and tries again", async () => {
    await openForm();
    await choose(file(JPEG));
    write("Anna");
    submit();
    world.refuse(new ApiError(400, "the picture is cut off or damaged"));
    await settle();
    const refused = screen.getByTestId("refused");
    expect(refused.getAttribute("data-kind")).toBe("photo");
    expect(refused.textContent).toContain("HTTP 400: the picture is cut off or damaged");
    submit();
    expect([screen.queryByTestId("refused"), world.asked.length]).toEqual([null, 2]);
  });

  it("gives up what is being made when it is left, by Escape too", async () => {
    await openForm();
    await choose(file(JPEG));
    write("Anna");
    submit();
    const cancel = new Event("cancel", { cancelable: true });
    fireEvent(screen.getByTestId("people"), cancel);
    expect([cancel.defaultPrevented, world.signal?.aborted, view()]).toEqual([true, true, "everybody"]);
    expect(document.activeElement).toBe(screen.getByTestId("make-open"));
    world.answer(madeAvatar);
    await settle();
    expect([world.made, world.closed]).toEqual([[], 0]);
  });

  it("speaks Chinese", async () => {
    await openForm({ language: "zh" });
    await choose(file("\0\0\0\x18ftypmif1"));
    expect(screen.getByRole("alert").textContent).toMatch(/^这是 HEIC/);
  });
});

describe("deleting a character", () => {
  it("is offered for those from photos only", async () => {
    await open();
    expect(screen.getAllByTestId("person-delete").map((button) => button.getAttribute("aria-label"))).toEqual(["Delete Anna"]);
  });

  it("asks first, with the harmless answer at hand", async () => {
    await open();
    fireEvent.click(screen.getByTestId("person-delete"));
    expect(screen.getByRole("dialog", { name: "Delete Anna?" })).toBeTruthy();
    expect(document.activeElement).toBe(screen.getByTestId("delete-keep"));
    fireEvent.click(screen.getByTestId("delete-keep"));
    expect([world.deleted, view()]).toEqual([[], "everybody"]);
  });

  it("deletes when told to, and says who is left", async () => {
    await open();
    fireEvent.click(screen.getByTestId("person-delete"));
    fireEvent.click(screen.getByTestId("delete-confirm"));
    await settle();
    expect([world.deleted, world.told, view()]).toEqual([[anna.id], [[anna.id, ["demo-avatar"]]], "everybody"]);
    expect(screen.getAllByTestId("person")).toHaveLength(1);
  });

  it("says so when the conversation ends with it", async () => {
    await open({ talking: true, currentId: anna.id });
    fireEvent.click(screen.getByTestId("person-delete"));
    expect(screen.getByText("Your conversation ends.")).toBeTruthy();
  });

  it("keeps the character and says why when the server refuses", async () => {
    world.deleteFails = new ApiError(403, "this avatar is not custom");
    await open();
    fireEvent.click(screen.getByTestId("person-delete"));
    fireEvent.click(screen.getByTestId("delete-confirm"));
    await settle();
    expect(screen.getByTestId("refused").textContent).toContain("HTTP 403: this avatar is not custom");
    expect([view(), world.told]).toEqual(["delete", []]);
  });
});

describe("what the server said", () => {
  it.each([
    [new ApiError(0, "TypeError"), "unreachable"],
    [new ApiError(400, "no"), "photo"],
    [new ApiError(413, "no"), "too_large"],
    [new ApiError(429, "no"), "busy"],
    [new ApiError(503, "no"), "busy"],
    [new ApiError(500, "no"), "failed"],
    [new Error("no"), "failed"],
  ])("%s means %s", (error, kind) => {
    expect(refusalOf(error).kind).toBe(kind);
  });

  it("has a hint only for a face that will not speak", () => {
    expect(stillFaceHint(madeAvatar)).toBeNull();
    expect(stillFaceHint({ ...madeAvatar, metadata: { animation: { mode: "face" }, hint: "small" } })).toBeNull();
    expect(stillFaceHint({ ...madeAvatar, metadata: { animation: { mode: "still" }, hint: "no face" } })).toBe("no face");
  });
});
