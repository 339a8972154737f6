import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ApiError } from "../api/client";
import { type Language, TranslateProvider, translator } from "../i18n";
import { Cast } from "../session/cast";
import { withDialogs } from "../testing/dialogs";
import { avatar, madeAvatar, manifest, voice } from "../testing/examples";
import { People } from "./People";
import { Welcome } from "./Welcome";
import { stepOf } from "./gridSteps";

const zoe = { ...avatar, id: "zoe", name: "Zoe" };
const people = [avatar, zoe];
withDialogs();

let listFails: boolean;
let calls: string[];
let cast: Cast;

beforeEach(() => {
  listFails = false;
  calls = [];
  cast = new Cast({
    avatars: () => {
      calls.push("list");
      return listFails ? Promise.reject(new ApiError(500, "disk is gone")) : Promise.resolve([...people, { ...zoe, id: "new", name: "Newcomer" }]);
    },
    avatar: (id) => {
      calls.push(id);
      return Promise.resolve({ ...manifest, id });
    },
    voices: () => Promise.resolve([voice]),
    makeAvatar: () => Promise.resolve(madeAvatar),
    deleteAvatar: () => Promise.resolve(),
  });
});
afterEach(cleanup);

interface Shown {
  chosen: string[];
  closed: () => number;
}

async function show(changes: { open?: boolean; talking?: boolean; language?: Language } = {}): Promise<Shown> {
  const { open = true, talking = false, language = "en" } = changes;
  const chosen: string[] = [];
  let closed = 0;
  render(
    <TranslateProvider value={translator(language)}>
      <People
        open={open}
        avatars={people}
        currentId="zoe"
        cast={cast}
        previewUrl={(id) => `avatars/${id}/preview`}
        talking={talking}
        consentRequired={false}
        onChoose={(one) => chosen.push(one.id)}
        onMade={() => undefined}
        onDeleted={() => undefined}
        onClose={() => (closed += 1)}
      />
    </TranslateProvider>,
  );
  await act(() => Promise.resolve());
  return { chosen, closed: () => closed };
}

const tiles = (): HTMLElement[] => screen.getAllByTestId("person");

describe("People", () => {
  it("asks the server for nothing and shows no pictures before it is opened", async () => {
    await show({ open: false });
    expect([calls, screen.queryAllByTestId("person")]).toEqual([[], []]);
  });

  it("is a named dialog with the one on the stage marked and focused, and newcomers in it", async () => {
    await show();
    expect(screen.getByRole("dialog", { name: "Pick someone to talk to" })).toHaveProperty("open", true);
    expect(tiles().map((tile) => tile.querySelector("b")?.textContent)).toEqual(["Demo", "Zoe", "Newcomer"]);
    expect(tiles().map((tile) => tile.getAttribute("aria-current"))).toEqual(["false", "true", "false"]);
    expect(document.activeElement).toBe(tiles()[1]);
    expect(within(tiles()[1] as HTMLElement).getByText("on the stage now")).toBeTruthy();
    expect(tiles()[0]?.querySelector("img")?.getAttribute("src")).toBe("avatars/demo-avatar/preview");
  });

  it("tells languages and voice of each", async () => {
    await show();
    expect(tiles()[0]?.textContent).toBe("DemoEnglish and ChineseVoice: Joe");
  });

  it("speaks Chinese, and names no voice that the server lacks", async () => {
    await show({ language: "zh" });
    expect(tiles()[0]?.textContent).toBe("Demo英语和中文");
  });

  it("says who was chosen", async () => {
    const { chosen } = await show();
    fireEvent.click(tiles()[0] as HTMLElement);
    expect(chosen).toEqual(["demo-avatar"]);
  });

  it("warns that a choice ends the conversation only while there is one", async () => {
    await show();
    expect(screen.queryByText(/ends this conversation/)).toBeNull();
    cleanup();
    await show({ talking: true });
    expect(screen.getByText(/ends this conversation/)).toBeTruthy();
  });

  it("puts a letter in the place of a picture that does not come", async () => {
    await show();
    const [first] = tiles();
    fireEvent.error(first?.querySelector("img") as HTMLElement);
    expect(first?.querySelector("img")).toBeNull();
    expect(first?.querySelector(".portrait")?.textContent).toBe("D");
    expect(tiles()[1]?.querySelector("img")).toBeTruthy();
  });

  it("keeps the list it has when it cannot be renewed, says so, and tries again", async () => {
    listFails = true;
    await show();
    expect(screen.getByTestId("people-failed").textContent).toContain("HTTP 500: disk is gone");
    expect(tiles()).toHaveLength(2);
    listFails = false;
    fireEvent.click(screen.getByText("Try again"));
    await act(() => Promise.resolve());
    expect(screen.queryByTestId("people-failed")).toBeNull();
    expect(tiles()).toHaveLength(3);
  });

  it("closes with its button and with a click beside it, not with one inside", async () => {
    const { closed } = await show();
    fireEvent.click(screen.getByText("Pick someone to talk to"));
    expect(closed()).toBe(0);
    fireEvent.click(screen.getByTestId("people-close"));
    fireEvent.click(screen.getByTestId("people"));
    expect(closed()).toBe(2);
  });

  it("lets arrow keys walk over the tiles", async () => {
    await show();
    fireEvent.keyDown(tiles()[1] as HTMLElement, { key: "ArrowLeft" });
    expect(document.activeElement).toBe(tiles()[0]);
    fireEvent.keyDown(tiles()[0] as HTMLElement, { key: "End" });
    expect(document.activeElement).toBe(tiles()[2]);
    fireEvent.keyDown(tiles()[2] as HTMLElement, { key: "Home" });
    expect(document.activeElement).toBe(screen.getByTestId("make-open"));
  });
});

describe("a step in the grid", () => {
  it.each([
    ["ArrowRight", 1, 2],
    ["ArrowLeft", 1, 0],
    ["ArrowDown", 1, 4],
    ["ArrowUp", 4, 1],
    ["Home", 3, 0],
    ["End", 0, 4],
    ["ArrowUp", 1, null],
    ["ArrowDown", 2, null],
    ["ArrowRight", 4, null],
    ["a", 0, null],
  ])("%s from %d of five in three columns leads to %s", (key, at, to) => {
    expect(stepOf(key, at, 5, 3)).toBe(to);
  });
});

describe("Welcome", () => {
  it.each([
    ["en", "Demo is an AI character. It answers aloud, so turn your sound on.Write in English or Chinese."],
    ["zh", "Demo是 AI 角色，会用语音回答，请打开声音。可以用英语或中文交谈。"],
  ] as const)("says in %s who this is and in which languages to write", async (language, words) => {
    let starts = 0;
    render(
      <TranslateProvider value={translator(language)}>
        <Welcome avatar={avatar} cast={cast} onStart={() => (starts += 1)} />
      </TranslateProvider>,
    );
    await act(() => Promise.resolve());
    expect(screen.getByTestId("welcome").textContent).toBe(words);
    fireEvent.click(screen.getByTestId("start"));
    expect([starts, calls]).toEqual([1, ["demo-avatar"]]);
  });
});
