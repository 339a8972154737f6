import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../api/client";
import { avatar } from "../testing/examples";
import { World } from "../testing/world";
import { microphoneStatus } from "./microphoneState";

let world: World;
const microphone = () => world.voice.microphone;
const status = (): string => microphoneStatus(microphone().getState());
const listened = (): string[] => world.calls.filter((call) => call.startsWith("listen"));
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1);

async function speaks(turn = "t1"): Promise<void> {
  await world.controller.send({ text: "Hi", verbatim: false });
  world.serverSays("speech.started", { turn_id: turn, text: "Hi" });
  world.serverSays("speech.media_started", { turn_id: turn });
}

function says(text: string): void {
  world.serverSays("subtitle.chunk", { turn_id: "t1", text, is_final: false, start_ms: 0, end_ms: 500 });
}

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  world = new World();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a conversation without a microphone", () => {
  it("asks for none, sends nothing, and says nothing of it to the server", async () => {
    await world.connect();
    await speaks();
    await settled();
    expect([world.microphones.asked, world.sending, listened()]).toEqual([[], null, []]);
  });
});

describe("hands-free", () => {
  it("sends the microphone over the connection that is there, and tells the server how to listen", async () => {
    await world.connect();
    await microphone().toggle();
    expect([world.sending, listened(), world.peers.length]).toEqual([microphone().track, ["listen s1 auto"], 1]);
  });

  it("changes microphones without a new offer", async () => {
    await world.connect();
    await microphone().toggle();
    const [, other] = world.microphones.present;
    if (other) await microphone().choose(other);
    expect([world.sending, world.peers.length, listened()]).toEqual([world.microphones.track, 1, ["listen s1 auto"]]);
  });

  it("that is muted goes on listening to the silence; off, it does not", async () => {
    await world.connect();
    await microphone().toggle();
    await microphone().toggle();
    expect([listened(), world.sending]).toEqual([["listen s1 auto"], microphone().track]);
    await microphone().setMode("off");
    await settled();
    expect([listened().slice(1), world.sending]).toEqual([["listen s1 off"], null]);
  });

  it("switched on before the avatar is there begins with it", async () => {
    await world.controller.load();
    await world.controller.start();
    await microphone().toggle();
    expect(listened()).toEqual([]);
    world.showsFrame();
    await settled();
    expect([listened(), world.sending]).toEqual([["listen s1 auto"], microphone().track]);
  });

  it("goes on over a connection that is renewed", async () => {
    await world.connect();
    await microphone().toggle();
    world.sending = null;
    world.dialler.onConnection("failed");
    await settled();
    world.showsFrame();
    await settled();
    expect([world.peers.length, world.sending, listened()]).toEqual([2, microphone().track, ["listen s1 auto"]]);
  });

  it("goes on with another character, whose session is told as well", async () => {
    await world.connect();
    await microphone().toggle();
    world.createAnswer = { session_id: "s2", status: "created" };
    await world.controller.choose({ ...avatar, id: "zoe", name: "Zoe" });
    world.showsFrame();
    await settled();
    expect([status(), world.sending, listened()]).toEqual(["on", microphone().track, ["listen s1 auto", "listen s2 auto"]]);
  });

  it("ends with the conversation", async () => {
    await world.connect();
    await microphone().toggle();
    world.serverSays("session.terminated", { reason: "expired" });
    await settled();
    expect([status(), world.microphones.track.stopped]).toEqual(["off", true]);
  });

  it("ends with the page, also where the browser keeps that", async () => {
    await world.connect();
    await microphone().toggle();
    world.voice.leave();
    expect([status(), world.microphones.track.stopped, world.calls.at(-1)]).toEqual(["off", true, "delete s1"]);
  });

  it("that the server refuses gives the microphone back, says why, and can be tried again", async () => {
    await world.connect();
    world.listenError = new ApiError(409, "no");
    await microphone().toggle();
    await settled();
    expect([status(), microphone().getState().problem]).toEqual(["problem", { kind: "refused", detail: "HTTP 409: no" }]);
    expect([world.microphones.track.stopped, world.sending, listened().length]).toEqual([true, null, 1]);
    world.listenError = null;
    await microphone().toggle();
    expect([status(), listened().slice(1)]).toEqual(["on", ["listen s1 auto"]]);
  });

  it("that the server may or may not have begun is told, and stays on", async () => {
    await world.connect();
    world.listenError = new ApiError(0, "timed out");
    await microphone().toggle();
    await settled();
    expect([status(), world.controller.getState().notices]).toMatchObject(["on", [{ code: "listening_failed", detail: "timed out" }]]);
  });

  it("that is refused to a session which listens to the button switches that off, too", async () => {
    await world.connect();
    await microphone().setMode("push_to_talk");
    world.listenError = new ApiError(429, "slower");
    const changing = microphone().setMode("auto");
    world.listenError = null;
    await changing;
    await settled();
    expect([status(), listened()]).toEqual(["problem", ["listen s1 push_to_talk", "listen s1 auto", "listen s1 off"]]);
  });
});

describe("push-to-talk", () => {
  beforeEach(async () => {
    await world.connect();
    await microphone().setMode("push_to_talk");
    await settled();
    world.calls = [];
  });

  it("tells the server when somebody talks and when not", async () => {
    world.voice.press();
    await settled();
    world.voice.release();
    await settled();
    expect(world.calls).toEqual(["listen s1 true", "listen s1 false"]);
  });

  it("silences the avatar at once, without a stop of its own", async () => {
    await speaks();
    world.calls = [];
    world.voice.press();
    expect([world.controller.getState().silenced, world.status]).toEqual([true, "interrupted"]);
    await settled();
    expect(world.calls).toEqual(["listen s1 true", "silent s1 t1 40"]);
  });

  it("is let go when the connection is lost, and cannot be pressed then", async () => {
    world.voice.press();
    await settled();
    world.offerErrors = [new ApiError(503, "no worker")];
    world.dialler.onConnection("failed");
    expect(status()).toBe("waiting");
    world.voice.press();
    expect(status()).toBe("waiting");
  });

  it("is let go with a microphone that is pulled out", async () => {
    world.voice.press();
    await settled();
    const [first] = world.microphones.present;
    if (first) world.microphones.unplug(first);
    await settled();
    expect([status(), listened()]).toEqual(["problem", ["listen s1 true", "listen s1 off"]]);
  });

  it("that the server refuses is let go", async () => {
    world.listenError = new ApiError(409, "loading");
    world.voice.press();
    await settled();
    expect([status(), world.controller.getState().notices.length]).toEqual(["waiting", 1]);
    expect(world.calls).toHaveLength(1);
  });

  it.each([
    ["refuses", new ApiError(409, "loading")],
    ["does not answer", new ApiError(0, "timed out")],
  ])("that the server %s brings the avatar back, with what it has said meanwhile", async (_, error) => {
    await speaks();
    world.listenError = error;
    world.voice.press();
    expect(world.controller.getState().silenced).toBe(true);
    says("Hello there.");
    await settled();
    const { silenced, captions } = world.controller.getState();
    expect([silenced, world.status, captions.cutAt]).toEqual([false, "speaking", null]);
    expect(captions.lines.map(({ chunk }) => chunk.text)).toEqual(["Hello there."]);
    says(" And bye.");
    expect(world.controller.getState().captions.lines).toHaveLength(2);
    world.serverSays("speech.ended", { turn_id: "t1", reason: "completed" });
    expect(world.status).toBe("idle");
  });

  it("that came too late brings nothing back that is over", async () => {
    await speaks();
    world.listenError = new ApiError(0, "timed out");
    world.voice.press();
    world.serverSays("speech.ended", { turn_id: "t1", reason: "interrupted" });
    await settled();
    expect([world.controller.getState().silenced, world.status]).toEqual([true, "interrupted"]);
  });

  it("that was over before the server could be told of it brings the avatar back", async () => {
    let answer = (): void => undefined;
    world.whenListened = new Promise((resolve) => (answer = resolve));
    await microphone().setMode("auto");
    await microphone().setMode("push_to_talk");
    await speaks();
    world.voice.press();
    world.voice.release();
    answer();
    await settled();
    expect([listened().at(-1), world.controller.getState().silenced, world.status]).toEqual(["listen s1 push_to_talk", false, "speaking"]);
  });

  it("that the server took leaves the avatar silent until the turn is over, and after", async () => {
    await speaks();
    world.voice.press();
    await settled();
    world.voice.release();
    await settled();
    says("Late.");
    world.serverSays("speech.ended", { turn_id: "t1", reason: "interrupted" });
    expect([world.controller.getState().silenced, world.controller.getState().captions.lines]).toEqual([true, []]);
  });
});

describe("the end of a voice", () => {
  it("that was interrupted is measured and reported for its turn", async () => {
    await world.connect();
    await speaks("t7");
    world.serverSays("speech.ended", { turn_id: "t7", reason: "interrupted" });
    await settled();
    expect(world.calls.filter((call) => call.startsWith("silent"))).toEqual(["silent s1 t7 40"]);
  });

  it("by itself, or before anything was heard, is not", async () => {
    await world.connect();
    await speaks();
    world.serverSays("speech.ended", { turn_id: "t1", reason: "completed" });
    await world.controller.send({ text: "Again", verbatim: false });
    world.serverSays("speech.started", { turn_id: "t2", text: "Again" });
    await world.controller.stop();
    await settled();
    expect(world.calls.some((call) => call.startsWith("silent"))).toBe(false);
  });
});
