import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeMicrophones, headset, webcam } from "../testing/microphones";
import { Microphone } from "./microphone";
import { microphoneStatus, problemOf, wantedMode } from "./microphoneState";

let port: FakeMicrophones;
let microphone: Microphone;
let levels: number[];

function visit(): void {
  microphone = new Microphone(port);
  levels = [];
  microphone.onLevel((position) => levels.push(position));
}
const status = (): string => microphoneStatus(microphone.getState());
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1);

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  port = new FakeMicrophones();
  visit();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the microphone", () => {
  it("is not asked for by itself", async () => {
    await settled();
    expect([status(), port.asked, microphone.track]).toEqual(["off", [], null]);
  });

  it("is asked for, on, muted, and on again, by one button", async () => {
    const opening = microphone.toggle();
    expect(status()).toBe("asking");
    await opening;
    expect([status(), wantedMode(microphone.getState()), port.track.enabled]).toEqual(["on", "auto", true]);
    await microphone.toggle();
    expect([status(), wantedMode(microphone.getState()), port.track.enabled, port.track.stopped]).toEqual(["muted", "auto", false, false]);
    await microphone.toggle();
    expect([status(), port.track.enabled, port.asked.length]).toEqual(["on", true, 1]);
  });

  it("is given back to the browser when it is switched off", async () => {
    await microphone.setMode("auto");
    await microphone.setMode("off");
    expect([status(), port.track.stopped, microphone.track, port.watching]).toEqual(["off", true, null, 0]);
    expect(levels.at(-1)).toBe(0);
    const told = levels.length;
    await vi.advanceTimersByTimeAsync(500);
    expect(levels).toHaveLength(told);
  });

  it("that comes when nobody waits for it any more is given back at once", async () => {
    let answer = (): void => undefined;
    port.whenAnswered = new Promise((resolve) => (answer = resolve));
    const opening = microphone.toggle();
    await microphone.toggle();
    answer();
    await opening;
    expect([status(), port.track.stopped]).toEqual(["off", true]);
  });

  it("is not asked for again when the remembered one is gone and nobody waits any more", async () => {
    await microphone.choose(webcam);
    port.present = [headset];
    visit();
    let answer = (): void => undefined;
    port.whenAnswered = new Promise((resolve) => (answer = resolve));
    const opening = microphone.toggle();
    await microphone.toggle();
    answer();
    await opening;
    expect([status(), port.asked]).toEqual(["off", ["w", "w"]]);
  });

  it("shows its level while it is heard, and only then", async () => {
    await microphone.setMode("auto");
    await vi.advanceTimersByTimeAsync(200);
    expect(levels).toEqual([0.67, 0.67, 0.67, 0.67].map((level) => expect.closeTo(level, 2) as number));
    await microphone.toggle();
    expect(levels.at(-1)).toBe(0);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(levels).toHaveLength(5);
  });

  it("measures nothing while the page is hidden, and calls nothing silent then", async () => {
    port.peak = 0;
    await microphone.setMode("auto");
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    await vi.advanceTimersByTimeAsync(10_000);
    hidden.mockRestore();
    expect([levels, status()]).toEqual([[], "on"]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect([levels.length, status()]).toEqual([20, "on"]);
  });

  it("that gives no signal for six seconds is called silent, until it gives one or is muted", async () => {
    port.peak = 0;
    await microphone.setMode("auto");
    await vi.advanceTimersByTimeAsync(6_000);
    expect(status()).toBe("on");
    await vi.advanceTimersByTimeAsync(100);
    expect(status()).toBe("silent");
    port.peak = 0.01;
    await vi.advanceTimersByTimeAsync(100);
    expect(status()).toBe("on");
    port.peak = 0;
    await vi.advanceTimersByTimeAsync(6_100);
    await microphone.toggle();
    expect(status()).toBe("muted");
  });
});

describe("a browser that does not tell the level", () => {
  it("is not taken for a silent microphone", async () => {
    port.peak = null;
    await microphone.setMode("auto");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(status()).toBe("on");
  });
});

describe("push-to-talk", () => {
  it("lets the voice out only while it is held, and a moment longer", async () => {
    await microphone.setMode("push_to_talk");
    expect([status(), port.track.enabled]).toEqual(["waiting", false]);
    expect(microphone.press()).toBe(true);
    expect([status(), port.track.enabled]).toEqual(["held", true]);
    microphone.release();
    await vi.advanceTimersByTimeAsync(199);
    expect([status(), port.track.enabled]).toEqual(["waiting", true]);
    await vi.advanceTimersByTimeAsync(1);
    expect(port.track.enabled).toBe(false);
  });

  it("lets that moment out also when something else changes meanwhile", async () => {
    await microphone.setMode("push_to_talk");
    microphone.press();
    microphone.release();
    port.plug({ id: "d", label: "Desk" });
    await settled();
    expect(port.track.enabled).toBe(true);
    await vi.advanceTimersByTimeAsync(200);
    expect(port.track.enabled).toBe(false);
  });

  it("has no such moment for a microphone that is changed or given back", async () => {
    await microphone.setMode("push_to_talk");
    microphone.press();
    microphone.release();
    await microphone.choose(webcam);
    expect(port.track.enabled).toBe(false);
  });

  it("pressed again at once is not cut off by the release before", async () => {
    await microphone.setMode("push_to_talk");
    microphone.press();
    microphone.release();
    microphone.press();
    await vi.advanceTimersByTimeAsync(500);
    expect(port.track.enabled).toBe(true);
  });

  it("has nothing to press before the microphone is open, nor hands-free", async () => {
    expect(microphone.press()).toBe(false);
    await microphone.setMode("auto");
    expect(microphone.press()).toBe(false);
  });

  it("is remembered, and the button then takes it up", async () => {
    await microphone.setMode("push_to_talk");
    visit();
    await microphone.toggle();
    expect(status()).toBe("waiting");
    await microphone.toggle();
    expect(status()).toBe("off");
  });

  it("is changed for hands-free without asking again", async () => {
    await microphone.setMode("push_to_talk");
    await microphone.setMode("auto");
    expect([status(), port.asked.length, port.track.enabled]).toEqual(["on", 1, true]);
  });
});

describe("a problem", () => {
  const named = (name: string, message = "no"): DOMException => new DOMException(message, name);

  it.each([
    [named("NotAllowedError"), "denied"],
    [named("NotAllowedError", "Permission denied by system"), "blocked"],
    [named("NotFoundError"), "no_device"],
    [named("NotReadableError"), "in_use"],
    [named("AbortError"), "in_use"],
    [named("OverconstrainedError"), "unplugged"],
    [new TypeError("odd"), "failed"],
  ])("%s is told as such, with the browser's words", async (error, kind) => {
    port.refusal = error;
    await microphone.toggle();
    expect([status(), microphone.getState().problem]).toEqual(["problem", problemOf(error)]);
    expect([problemOf(error).kind, problemOf(error).detail]).toEqual([kind, `${error.name}: ${error.message}`]);
    expect(wantedMode(microphone.getState())).toBe("off");
  });

  it.each(["insecure", "unsupported"] as const)("of the page (%s) is told without asking the browser", async (lack) => {
    port.lack = lack;
    await microphone.toggle();
    expect([microphone.getState().problem?.kind, port.asked]).toEqual([lack, []]);
  });

  it("is over with the next try that succeeds, and can be put away", async () => {
    port.refusal = named("NotAllowedError");
    await microphone.toggle();
    port.refusal = null;
    await microphone.toggle();
    expect([status(), microphone.getState().problem]).toEqual(["on", null]);
    port.refusal = named("NotReadableError");
    await microphone.choose(webcam);
    expect([status(), microphone.getState().problem?.kind]).toEqual(["on", "in_use"]);
    microphone.dismissProblem();
    expect(microphone.getState().problem).toBeNull();
  });

  it("is a microphone that is pulled out; those that are left can be chosen", async () => {
    await microphone.toggle();
    port.unplug(headset);
    await settled();
    const { problem, devices } = microphone.getState();
    expect([status(), problem, devices]).toEqual(["problem", { kind: "unplugged", detail: "Headset" }, [webcam]]);
    await microphone.choose(webcam);
    expect([status(), microphone.getState().device]).toEqual(["on", webcam]);
  });
});

describe("the choice of a microphone", () => {
  it("changes to another one and gives back the one before", async () => {
    await microphone.toggle();
    await microphone.choose(webcam);
    expect([port.asked, port.tracks.map(({ stopped }) => stopped)]).toEqual([[null, "w"], [true, false]]);
    expect([status(), microphone.getState().device, microphone.track]).toEqual(["on", webcam, port.track]);
  });

  it("is remembered, and gives way where that one is gone", async () => {
    await microphone.choose(webcam);
    visit();
    await microphone.toggle();
    expect([port.asked.at(-1), microphone.getState().device]).toEqual(["w", webcam]);
    port.present = [headset];
    visit();
    await microphone.toggle();
    expect([status(), microphone.getState().device]).toEqual(["on", headset]);
  });

  it.each([true, false])("goes on when the one before is pulled out meanwhile (had: %j)", async (had) => {
    await microphone.toggle();
    let answer = (): void => undefined;
    port.whenAnswered = new Promise((resolve) => (answer = resolve));
    if (!had) port.refusal = new DOMException("no", "NotReadableError");
    const choosing = microphone.choose(webcam);
    port.unplug(headset);
    expect([status(), microphone.track]).toEqual(["asking", null]);
    answer();
    await choosing;
    expect([status(), microphone.getState().problem?.kind, microphone.getState().device]).toEqual(
      had ? ["on", undefined, webcam] : ["problem", "in_use", null],
    );
  });

  it("that cannot be had is told; the one before goes on", async () => {
    await microphone.toggle();
    port.present = [headset];
    await microphone.choose(webcam);
    expect([status(), microphone.getState().problem?.kind, microphone.getState().device]).toEqual(["on", "unplugged", headset]);
  });

  it("finds a microphone by its name when the browser gives it a new id", async () => {
    await microphone.choose(webcam);
    const again = { id: "w2", label: webcam.label };
    port.present = [headset, again];
    visit();
    await microphone.toggle();
    expect([port.asked.slice(-3), microphone.getState().device]).toEqual([["w", null, "w2"], again]);
  });

  it("keeps to what is muted", async () => {
    await microphone.toggle();
    await microphone.toggle();
    await microphone.choose(webcam);
    expect([status(), port.track.enabled]).toEqual(["muted", false]);
  });

  it("renews its list when something is plugged in", async () => {
    await microphone.toggle();
    const desk = { id: "d", label: "Desk" };
    port.plug(desk);
    await settled();
    expect(microphone.getState().devices).toEqual([headset, webcam, desk]);
  });

  it("of an unreadable memory is none", async () => {
    localStorage.setItem("opentalking.microphone", "{");
    visit();
    await microphone.toggle();
    expect([status(), port.asked]).toEqual(["on", [null]]);
  });
});
