import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { useSyncExternalStore } from "react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TranslateProvider, translator } from "../i18n";
import { noCaptions } from "../session/captions";
import { initialState } from "../session/state";
import { webcam } from "../testing/microphones";
import { World } from "../testing/world";
import { CaptionLines } from "./CaptionLines";
import { MicrophoneButton } from "./MicrophoneButton";
import { MicrophoneNote } from "./MicrophoneNote";
import { MicrophonePanel } from "./MicrophonePanel";
import { StatusLine } from "./StatusLine";
import { useVoiceKeys } from "./useVoiceKeys";

let world: World;
let soundOff: boolean[];

function Controls() {
  const { voice } = world;
  const state = useSyncExternalStore(voice.microphone.subscribe, voice.microphone.getState);
  useVoiceKeys(voice, true);
  return (
    <>
      <textarea aria-label="field" />
      <MicrophoneNote voice={voice} state={state} />
      <MicrophoneButton voice={voice} state={state} />
      <MicrophonePanel voice={voice} state={state} name="Ada" soundOff={false} onSoundOff={(off) => soundOff.push(off)} />
    </>
  );
}

const button = (): HTMLElement => screen.getByTestId("microphone");
const status = (): string | undefined => button().dataset["microphone"];
const does = (action: () => unknown): Promise<void> => act(() => Promise.resolve(action()).then(() => undefined));

beforeEach(async () => {
  localStorage.clear();
  // jsdom knows no pointer capture.
  Object.assign(Element.prototype, { setPointerCapture: () => undefined });
  world = new World();
  soundOff = [];
  await world.connect();
  render(<Controls />);
});
afterEach(cleanup);

describe("the button", () => {
  it("switches the microphone on and mutes it, and says so", async () => {
    expect([status(), button().getAttribute("aria-pressed"), button().title]).toEqual(["off", "false", "Turn the microphone on (M)"]);
    await does(() => fireEvent.click(button()));
    expect([status(), button().getAttribute("aria-pressed"), button().title]).toEqual(["on", "true", "Mute the microphone (M)"]);
    expect(screen.getByTestId("microphone-live").textContent).toBe("The microphone is on.");
    await does(() => fireEvent.click(button()));
    expect([status(), button().getAttribute("aria-pressed")]).toEqual(["muted", "false"]);
  });

  it("shows the level", async () => {
    await does(() => fireEvent.click(button()));
    await does(() => new Promise((resolve) => setTimeout(resolve, 120)));
    expect(button().style.getPropertyValue("--level")).toBe("0.67");
  });
});

describe("push-to-talk", () => {
  beforeEach(() => does(() => world.voice.microphone.setMode("push_to_talk")));

  it.each(["pointerUp", "pointerCancel", "lostPointerCapture"] as const)("is held by a pointer until %s", async (end) => {
    expect([status(), button().getAttribute("aria-label")]).toEqual(["waiting", "Hold to talk"]);
    await does(() => fireEvent.pointerDown(button(), { button: 0, pointerId: 1 }));
    expect([status(), button().getAttribute("aria-pressed")]).toEqual(["held", "true"]);
    await does(() => fireEvent[end](button(), { pointerId: 1 }));
    await does(() => fireEvent.click(button(), { detail: 1 }));
    expect(status()).toBe("waiting");
  });

  it.each([" ", "Enter"])("is held by the key %j on the button", async (key) => {
    await does(() => fireEvent.keyDown(button(), { key }));
    await does(() => fireEvent.keyDown(button(), { key, repeat: true }));
    expect(status()).toBe("held");
    await does(() => fireEvent.keyUp(button(), { key }));
    expect(status()).toBe("waiting");
  });

  it("is held by the space bar anywhere but in the field", async () => {
    await does(() => fireEvent.keyDown(screen.getByLabelText("field"), { key: " " }));
    expect(status()).toBe("waiting");
    await does(() => fireEvent.keyDown(document.body, { key: " " }));
    expect(status()).toBe("held");
    await does(() => fireEvent.keyUp(document.body, { key: " " }));
    expect(status()).toBe("waiting");
  });

  it("is let go when the window loses the keyboard", async () => {
    await does(() => fireEvent.keyDown(document.body, { key: " " }));
    await does(() => fireEvent.blur(window));
    expect(status()).toBe("waiting");
  });

  it("is switched by a click of assistive technology, which cannot hold, also after a key", async () => {
    await does(() => fireEvent.keyDown(button(), { key: " " }));
    await does(() => fireEvent.keyUp(button(), { key: " " }));
    await does(() => fireEvent.click(button(), { detail: 0 }));
    expect(status()).toBe("held");
    await does(() => fireEvent.click(button(), { detail: 0 }));
    expect(status()).toBe("waiting");
  });
});

describe("the key M", () => {
  it("switches the microphone, once for each press, and not while the person writes", async () => {
    await does(() => fireEvent.keyDown(screen.getByLabelText("field"), { key: "m" }));
    await does(() => fireEvent.keyDown(document.body, { key: "m", ctrlKey: true }));
    expect(status()).toBe("off");
    await does(() => fireEvent.keyDown(document.body, { key: "M" }));
    await does(() => fireEvent.keyDown(document.body, { key: "m", repeat: true }));
    expect(status()).toBe("on");
    await does(() => fireEvent.keyDown(document.body, { key: "m" }));
    expect(status()).toBe("muted");
  });
});

describe("the note", () => {
  it("explains a refusal, keeps the browser's words below, and tries again", async () => {
    world.microphones.refusal = new DOMException("Permission denied", "NotAllowedError");
    await does(() => fireEvent.click(button()));
    const note = screen.getByTestId("microphone-note");
    expect(note.dataset["kind"]).toBe("denied");
    expect(note.textContent).toContain("then try again");
    expect(note.querySelector("details")?.textContent).toContain("NotAllowedError: Permission denied");
    world.microphones.refusal = null;
    await does(() => fireEvent.click(screen.getByTestId("microphone-retry")));
    expect([status(), screen.queryByTestId("microphone-note")]).toEqual(["on", null]);
  });

  it("offers no second try where only another address helps", async () => {
    world.microphones.lack = "insecure";
    await does(() => fireEvent.click(button()));
    expect(screen.getByTestId("microphone-note").textContent).toContain("https://");
    expect(screen.queryByTestId("microphone-retry")).toBeNull();
    await does(() => fireEvent.click(screen.getByLabelText("Dismiss")));
    expect([status(), screen.queryByTestId("microphone-note")]).toEqual(["off", null]);
  });

  it("offers the other microphones when one is pulled out", async () => {
    await does(() => fireEvent.click(button()));
    const [first] = world.microphones.present;
    await does(() => {
      if (first) world.microphones.unplug(first);
    });
    await does(() => fireEvent.click(screen.getByText("Use Webcam")));
    expect([status(), world.voice.microphone.getState().device]).toEqual(["on", webcam]);
  });
});

describe("the panel", () => {
  const opener = (): HTMLElement => screen.getByTestId("microphone-more");
  beforeEach(() => does(() => fireEvent.click(opener())));

  it("has the keyboard on the present way of talking, and Escape closes only it", () => {
    let escaped = 0;
    const count = (): void => {
      escaped += 1;
    };
    window.addEventListener("keydown", count);
    expect(document.activeElement).toBe(screen.getByTestId("mode-off"));
    fireEvent.keyDown(screen.getByTestId("mode-off"), { key: "Escape" });
    window.removeEventListener("keydown", count);
    expect([screen.queryByTestId("microphone-panel"), escaped, document.activeElement]).toEqual([null, 0, opener()]);
  });

  it("closes when something else is pressed", async () => {
    await does(() => fireEvent.pointerDown(document.body));
    expect([screen.queryByTestId("microphone-panel"), opener().getAttribute("aria-expanded")]).toEqual([null, "false"]);
  });

  it("chooses the way of talking, which switches the microphone on and off", async () => {
    await does(() => fireEvent.click(screen.getByTestId("mode-push_to_talk")));
    expect(status()).toBe("waiting");
    await does(() => fireEvent.click(screen.getByTestId("mode-auto")));
    expect(status()).toBe("on");
    await does(() => fireEvent.click(screen.getByTestId("mode-off")));
    expect([status(), world.microphones.track.stopped]).toEqual(["off", true]);
  });

  it("names the microphones once there is one, and changes it", async () => {
    expect(screen.queryByTestId("microphone-device")).toBeNull();
    await does(() => fireEvent.click(screen.getByTestId("mode-auto")));
    const select = screen.getByTestId("microphone-device");
    expect([...select.querySelectorAll("option")].map(({ textContent }) => textContent)).toEqual(["Headset", "Webcam"]);
    await does(() => fireEvent.change(select, { target: { value: "w" } }));
    expect([select, world.microphones.asked]).toEqual([expect.objectContaining({ value: "w" }), [null, "w"]]);
  });

  it("switches the avatar's sound", () => {
    fireEvent.click(screen.getByLabelText("Sound of Ada"));
    expect(soundOff).toEqual([true]);
  });
});

describe("what is said", () => {
  it("is shown while it is spoken, and read out when it is complete", () => {
    const { rerender } = render(<CaptionLines captions={{ ...noCaptions, own: "How are", ownPartial: true }} visible />);
    expect(screen.getByTestId("caption-own").textContent).toBe("How are");
    expect(screen.getByTestId("caption-live").textContent).toBe("");
    rerender(<CaptionLines captions={{ ...noCaptions, own: "How are you?" }} visible />);
    expect(screen.getByTestId("caption-live").textContent).toBe("You: How are you?");
  });

  it("into an answer stands above the answer, which is marked where it was cut", () => {
    const now = performance.now();
    const chunk = { text: "One two", is_final: true, start_ms: 0, end_ms: 60_000, words: [] };
    const captions = { ...noCaptions, own: "Wait", ownPartial: true, lines: [{ chunk, startsAt: now - 1 }], cutAt: now, endedAt: now };
    render(<CaptionLines captions={captions} visible />);
    expect(screen.getByTestId("caption-own").textContent).toBe("Wait");
    expect(screen.getByTestId("captions").textContent).toContain("One —");
  });

  it.each([
    ["en", "on", "AdaListening"],
    ["zh", "on", "Ada正在聆听"],
    ["en", "muted", "AdaYour turn"],
  ] as const)("in %s, with the microphone %s, is awaited as %j", (language, microphone, words) => {
    render(
      <TranslateProvider value={translator(language)}>
        <StatusLine name="Ada" microphone={microphone} state={{ ...initialState, link: { phase: "live" } }} />
      </TranslateProvider>,
    );
    expect(screen.getByTestId("status").textContent).toBe(words);
  });
});
