import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Health } from "../api/types";
import { TranslateProvider, translator } from "../i18n";
import { noCaptions } from "../session/captions";
import { type Outgoing, initialState } from "../session/state";
import { health } from "../testing/examples";
import { AiLabel } from "./AiLabel";
import { CaptionLines } from "./CaptionLines";
import { Composer } from "./Composer";
import { KeyPrompt } from "./KeyPrompt";
import { Notices } from "./Notices";
import { OverPanel } from "./OverPanel";
import { StatusLine } from "./StatusLine";
import { WhoAnswers } from "./WhoAnswers";

beforeEach(() => {
  // jsdom has no media queries; a phone is what answers "no" to a fine pointer.
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("Composer", () => {
  let sent: Outgoing[];
  let stops: number;
  const show = (busy: boolean): HTMLElement => {
    sent = [];
    stops = 0;
    render(<Composer name="Ada" busy={busy} onSend={(outgoing) => sent.push(outgoing)} onStop={() => (stops += 1)} />);
    return screen.getByLabelText("Your message");
  };

  it("sends the trimmed text with Enter and is empty again", () => {
    const field = show(false);
    fireEvent.change(field, { target: { value: "  Hi there " } });
    fireEvent.keyDown(field, { key: "Enter" });
    expect(sent).toEqual([{ text: "Hi there", verbatim: false }]);
    expect(field).toHaveProperty("value", "");
  });

  it.each([
    ["a line break", { key: "Enter", shiftKey: true }],
    ["an input method's choice", { key: "Enter", isComposing: true }],
    ["an input method's choice in Safari", { key: "Enter", keyCode: 229 }],
  ])("does not take %s for sending", (_what, key) => {
    const field = show(false);
    fireEvent.change(field, { target: { value: "ni hao" } });
    fireEvent.keyDown(field, key);
    expect(sent).toEqual([]);
  });

  it("sends nothing blank", () => {
    const field = show(false);
    fireEvent.change(field, { target: { value: " \n " } });
    fireEvent.keyDown(field, { key: "Enter" });
    expect(screen.getByTestId("send")).toHaveProperty("disabled", true);
    expect(sent).toEqual([]);
  });

  it("says word for word when asked to", () => {
    const field = show(false);
    fireEvent.click(screen.getByLabelText("Say it word for word"));
    fireEvent.change(field, { target: { value: "Welcome" } });
    fireEvent.click(screen.getByTestId("send"));
    expect(sent).toEqual([{ text: "Welcome", verbatim: true }]);
  });

  it("turns send into stop while the avatar is busy, and offers both once something is written", () => {
    const field = show(true);
    expect(screen.queryByTestId("send")).toBeNull();
    fireEvent.click(screen.getByTestId("stop"));
    expect(stops).toBe(1);
    fireEvent.change(field, { target: { value: "No, wait" } });
    fireEvent.click(screen.getByTestId("send"));
    expect(sent).toHaveLength(1);
  });
});

describe("WhoAnswers", () => {
  const show = (changes: Partial<Health>): string => {
    render(<WhoAnswers health={{ ...health, ...changes }} name="Ada" />);
    return screen.getByTestId("who-answers").textContent;
  };

  it("says plainly that the tiny model is a demo, and how to connect a real one", () => {
    const text = show({ llm: { provider: "builtin", model: "SmolLM2-135M", demo: true } });
    expect(text).toMatch(/^Demo model *SmolLM2-135M/);
    expect(text).toContain("OPENTALKING_LLM_BASE_URL");
    expect(screen.getByLabelText("Who answers: Demo model SmolLM2-135M")).toBeTruthy();
  });

  it("names a real model and its provider", () => {
    const text = show({ llm: { provider: "openai_compatible", model: "qwen3:8b", demo: false } });
    expect(text).toContain("qwen3:8b answers, by way of openai_compatible.");
    expect(text).not.toContain("Demo");
  });

  it("says what to run without one", () => {
    expect(show({ llm_key_set: false })).toContain("opentalking models pull --embedded");
  });
});

describe("StatusLine", () => {
  it("counts the seconds of a connection once there are two", () => {
    vi.useFakeTimers();
    render(<StatusLine name="Ada" microphone="off" state={{ ...initialState, link: { phase: "connecting", since: performance.now(), step: "media" } }} />);
    const status = screen.getByTestId("status");
    const after = (ms: number): string => {
      act(() => {
        vi.advanceTimersByTime(ms);
      });
      return status.textContent;
    };
    expect([status.textContent, after(1_100), after(1_000), after(1_000)]).toEqual([
      "AdaConnecting…",
      "AdaConnecting…",
      "AdaConnecting… 2 s",
      "AdaConnecting… 3 s",
    ]);
    expect(status.dataset["status"]).toBe("connecting");
  });

  it("speaks the language of the page", () => {
    render(
      <TranslateProvider value={translator("zh")}>
        <StatusLine name="Ada" microphone="off" state={{ ...initialState, link: { phase: "live" } }} />
      </TranslateProvider>,
    );
    expect(screen.getByRole("status").textContent).toBe("Ada轮到你了");
  });
});

describe("Notices", () => {
  it("turns a code into a sentence, keeps the raw words below, and can be dismissed", () => {
    const dismissed: number[] = [];
    const notices = [
      { key: 4, code: "llm_failed", detail: "ECONNREFUSED" },
      { key: 5, code: "never_heard_of", detail: "" },
    ];
    render(<Notices notices={notices} onDismiss={(key) => dismissed.push(key)} />);
    const [known, unknown] = screen.getAllByTestId("notice");
    expect(known?.textContent).toContain("The language model did not answer.");
    expect(known?.querySelector("details")?.textContent).toContain("llm_failed: ECONNREFUSED");
    expect(unknown?.textContent).toContain("Something went wrong");
    const [first] = screen.getAllByLabelText("Dismiss");
    if (first) fireEvent.click(first);
    expect(dismissed).toEqual([4]);
  });
});

describe("OverPanel", () => {
  it("explains a failed connection with its two usual causes and the ICE state", () => {
    const failure = { kind: "webrtc", detail: "ICE checking", retryAfterSeconds: null } as const;
    let starts = 0;
    render(<OverPanel link={{ phase: "failed", failure }} onStart={() => (starts += 1)} />);
    expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual([
      expect.stringContaining("OPENTALKING_RTC_PORT_RANGE"),
      expect.stringContaining("OPENTALKING_ICE_SERVERS"),
    ]);
    expect(screen.getByRole("alert").textContent).toContain("ICE checking");
    fireEvent.click(screen.getByText("Try again"));
    expect(starts).toBe(1);
  });

  it("offers a new beginning when the session is over", () => {
    render(<OverPanel link={{ phase: "ended", reason: "expired" }} onStart={() => undefined} />);
    expect(screen.getByTestId("restart").textContent).toBe("Start again");
  });
});

describe("CaptionLines", () => {
  const chunk = { text: "One two", is_final: true, start_ms: 0, end_ms: 60_000, words: [] };

  it("announces whole sentences, while the words appear as they are heard", () => {
    const captions = { ...noCaptions, lines: [{ chunk, startsAt: performance.now() - 1 }] };
    render(<CaptionLines captions={captions} visible />);
    expect(screen.getByTestId("caption-live").textContent).toBe("One two");
    expect(screen.getByTestId("caption").textContent).toBe("One ");
  });

  it("keeps the last words for a while after the voice, then clears", () => {
    vi.useFakeTimers();
    const now = performance.now();
    const lines = [{ chunk, startsAt: now - 70_000 }];
    const { rerender } = render(<CaptionLines captions={{ ...noCaptions, lines }} visible />);
    const captions = { ...noCaptions, lines, endedAt: now };
    rerender(<CaptionLines captions={captions} visible />);
    expect(screen.getByTestId("caption").textContent).toBe("One two");
    rerender(<CaptionLines captions={{ ...captions, endedAt: now - 4_000 }} visible />);
    return vi.advanceTimersByTimeAsync(10).then(() => {
      rerender(<CaptionLines captions={{ ...captions, endedAt: now - 4_000 }} visible />);
      expect(screen.queryByTestId("caption")).toBeNull();
    });
  });

  it("shows the user's own words, and nothing when switched off", () => {
    const { rerender } = render(<CaptionLines captions={{ ...noCaptions, own: "Hello?" }} visible />);
    expect(screen.getByTestId("caption-own").textContent).toBe("Hello?");
    rerender(<CaptionLines captions={{ ...noCaptions, own: "Hello?" }} visible={false} />);
    expect(screen.getByTestId("captions").hidden).toBe(true);
  });
});

describe("AiLabel", () => {
  it.each([
    ["en", "AI-generated", "AI-generated"],
    ["zh", "AI-generated", "AI 生成"],
    ["zh", " ", "AI 生成"],
    ["en", "", "AI-generated"],
    ["zh", "Made by Acme AI", "Made by Acme AI"],
    ["en", "<i>AI</i>", "<i>AI</i>"],
  ] as const)("says in %s, for %j, %s", (language, words, shown) => {
    render(
      <TranslateProvider value={translator(language)}>
        <AiLabel words={words} />
      </TranslateProvider>,
    );
    expect(screen.getByTestId("ai-label").textContent).toBe(shown);
  });
});

describe("KeyPrompt", () => {
  const calm = { wanted: true, problem: null, detail: "" } as const;

  it("is one named field that has the keyboard, and hands over what was entered, once", () => {
    const entered: string[] = [];
    const onKey = (key: string): Promise<boolean> => {
      entered.push(key);
      return new Promise(() => undefined);
    };
    render(<KeyPrompt access={calm} onKey={onKey} />);
    const field = screen.getByLabelText("Access key");
    expect([document.activeElement, field.getAttribute("type")]).toEqual([field, "password"]);
    fireEvent.submit(screen.getByTestId("key-prompt"));
    expect(entered).toEqual([]);
    fireEvent.change(field, { target: { value: "secret" } });
    fireEvent.submit(screen.getByTestId("key-prompt"));
    fireEvent.submit(screen.getByTestId("key-prompt"));
    expect(entered).toEqual(["secret"]);
    expect(screen.getByTestId("key-submit").textContent).toBe("Checking…");
  });

  it.each([
    ["wrong", "en", "This key is not valid, or no longer. Check it and enter it again."],
    ["unreachable", "zh", "无法连接服务器。请确认它正在运行，然后再试。"],
    ["refused", "en", "The server did not let you in, for this reason:HTTP 429: too many"],
  ] as const)("says what was wrong: %s, in %s", (problem, language, words) => {
    render(
      <TranslateProvider value={translator(language)}>
        <KeyPrompt access={{ wanted: true, problem, detail: "HTTP 429: too many" }} onKey={() => Promise.resolve(false)} />
      </TranslateProvider>,
    );
    expect(screen.getByRole("alert").textContent).toBe(words);
    expect(screen.getByTestId("key-input").getAttribute("aria-invalid")).toBe("true");
  });
});
