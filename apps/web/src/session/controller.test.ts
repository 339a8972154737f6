import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../api/client";
import { avatar } from "../testing/examples";
import { World } from "../testing/world";

const refused = new ApiError(0, "connection refused");

let world: World;
beforeEach(() => {
  vi.useFakeTimers();
  world = new World();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("starting", () => {
  it("creates the session, dials, and is live with the first picture", async () => {
    await world.controller.load();
    expect(world.status).toBe("ready");
    await world.controller.start();
    expect(world.calls).toEqual(["create demo-avatar portrait", "offer s1 sdp1"]);
    expect(world.status).toBe("connecting");
    world.showsFrame();
    expect(world.status).toBe("idle");
  });

  it("sends what was written meanwhile, once the avatar is there", async () => {
    await world.controller.load();
    await world.controller.start();
    await world.controller.send({ text: "Hi", verbatim: false });
    expect(world.calls).not.toContain("chat s1 Hi");
    world.showsFrame();
    expect(world.calls.filter((call) => call === "chat s1 Hi")).toHaveLength(1);
    expect(world.status).toBe("thinking");
  });

  it("waits for a slot before it dials", async () => {
    world.createAnswer = { session_id: "s1", status: "queued" };
    await world.controller.load();
    await world.controller.start();
    expect([world.status, world.peers.length]).toEqual(["queued", 0]);
    world.serverSays("session.queued", { position: 2, message: "waiting" });
    expect(world.link).toEqual({ phase: "queued", position: 2 });
    world.serverSays("session.queued", { position: 0, message: "slot_acquired" });
    expect([world.status, world.peers.length]).toEqual(["connecting", 1]);
  });

  it("says that the wait was too long and gives the place back", async () => {
    world.createAnswer = { session_id: "s1", status: "queued" };
    await world.controller.load();
    await world.controller.start();
    world.serverSays("session.queued", { position: -1, message: "timeout" });
    expect(world.link).toMatchObject({ phase: "failed", failure: { kind: "queue_timeout" } });
    expect(world.calls).toContain("delete s1");
  });

  it.each([
    [new ApiError(503, "server is full", 30), "server_full", 30],
    [new ApiError(400, "model not connected"), "create", null],
    [refused, "unreachable", null],
  ])("names the reason of a refusal: %s", async (error, kind, retryAfterSeconds) => {
    world.createAnswer = error;
    await world.controller.load();
    await world.controller.start();
    expect(world.link).toMatchObject({ phase: "failed", failure: { kind, retryAfterSeconds } });
  });

  it("can be tried again after a failure", async () => {
    world.createAnswer = refused;
    await world.controller.load();
    await world.controller.start();
    world.createAnswer = { session_id: "s2", status: "created" };
    await world.controller.start();
    world.showsFrame();
    expect([world.status, world.controller.getState().sessionId]).toEqual(["idle", "s2"]);
  });

  it("fails at once where there is nobody or nothing to show", async () => {
    world.avatars = [];
    await world.controller.load();
    expect(world.link).toMatchObject({ failure: { kind: "no_avatar" } });
    world = new World();
    world.connected = false;
    await world.controller.load();
    expect(world.link).toMatchObject({ failure: { kind: "no_model", detail: "portrait: weights_missing" } });
  });

  it("gives up after two silent dials and reports the ICE state", async () => {
    await world.controller.load();
    await world.controller.start();
    await vi.advanceTimersByTimeAsync(40_000);
    expect(world.peers).toHaveLength(2);
    expect(world.link).toMatchObject({ phase: "failed", failure: { kind: "webrtc", detail: "ICE checking" } });
    expect([world.openPeers, world.openStreams]).toEqual([0, 0]);
  });
});

describe("an offer", () => {
  it("that the server puts off is made again, and its refusal is told as such", async () => {
    world.offerErrors = Array.from({ length: 4 }, () => new ApiError(503, "no worker"));
    await world.controller.load();
    await world.controller.start();
    await vi.advanceTimersByTimeAsync(7_000);
    expect(world.peers).toHaveLength(4);
    expect(world.link).toMatchObject({ failure: { kind: "create", detail: "ICE checking; HTTP 503: no worker" } });
  });

  it("that the server rejects is not repeated", async () => {
    world.offerErrors = [new ApiError(400, "bad sdp")];
    await world.controller.load();
    await world.controller.start();
    await vi.advanceTimersByTimeAsync(7_000);
    expect(world.peers).toHaveLength(1);
    expect(world.link).toMatchObject({ failure: { kind: "create", detail: "HTTP 400: bad sdp" } });
  });
});

describe("a lost connection", () => {
  it("heals by itself within three seconds", async () => {
    await world.connect();
    world.dialler.onConnection("disconnected");
    await vi.advanceTimersByTimeAsync(2_900);
    world.dialler.onConnection("connected");
    await vi.advanceTimersByTimeAsync(10_000);
    expect([world.peers.length, world.status]).toEqual([1, "idle"]);
  });

  it("is renewed with a new offer to the same session", async () => {
    await world.connect();
    world.dialler.onConnection("disconnected");
    await vi.advanceTimersByTimeAsync(3_100);
    expect(world.status).toBe("reconnecting");
    expect(world.calls.filter((call) => call.startsWith("offer"))).toEqual(["offer s1 sdp1", "offer s1 sdp2"]);
    world.showsFrame();
    expect([world.status, world.openPeers]).toEqual(["idle", 1]);
  });

  it("is tried four times within the server's patience, then told", async () => {
    await world.connect();
    world.offerErrors = [refused, refused, refused, refused];
    world.dialler.onConnection("failed");
    await vi.advanceTimersByTimeAsync(7_500);
    expect(world.calls.filter((call) => call.startsWith("offer"))).toHaveLength(5);
    expect(world.link).toMatchObject({ phase: "failed", failure: { kind: "unreachable" } });
  });

  it("whose session is gone ends the conversation", async () => {
    await world.connect();
    world.offerErrors = [new ApiError(404, "session not found")];
    world.dialler.onConnection("failed");
    await vi.advanceTimersByTimeAsync(10);
    expect(world.link).toEqual({ phase: "ended", reason: "gone" });
    expect([world.openPeers, world.openStreams]).toEqual([0, 0]);
  });
});

describe("talking", () => {
  it("chats, or says word for word", async () => {
    await world.connect();
    await world.controller.send({ text: "Hi", verbatim: false });
    await world.controller.send({ text: "Hello world", verbatim: true });
    expect(world.calls.slice(-2)).toEqual(["chat s1 Hi", "speak s1 Hello world"]);
  });

  it("is silent before the server has answered the stop", async () => {
    await world.connect();
    await world.controller.send({ text: "Hi", verbatim: false });
    const stopping = world.controller.stop();
    expect([world.controller.getState().silenced, world.status]).toEqual([true, "interrupted"]);
    await stopping;
    expect(world.calls.at(-1)).toBe("interrupt s1");
    await vi.advanceTimersByTimeAsync(1_300);
    expect(world.status).toBe("idle");
  });

  it("has nothing to stop while the avatar listens", async () => {
    await world.connect();
    await world.controller.stop();
    expect(world.calls.some((call) => call.startsWith("interrupt"))).toBe(false);
  });

  it("tells of a message that did not get through, and of a session that is gone", async () => {
    await world.connect();
    world.talkError = new ApiError(409, "still loading");
    await world.controller.send({ text: "Hi", verbatim: false });
    expect(world.controller.getState().notices).toMatchObject([{ code: "send_failed", detail: "HTTP 409: still loading" }]);
    world.talkError = new ApiError(404, "session not found");
    await world.controller.send({ text: "Hi", verbatim: false });
    expect(world.link).toEqual({ phase: "ended", reason: "gone" });
  });
});

describe("choosing another character", () => {
  const zoe = { ...avatar, id: "zoe", name: "Zoe" };
  const mia = { ...avatar, id: "mia", name: "Mia" };

  /** Lets the server take its time; returns what makes it answer. */
  const delay = (): (() => void) => {
    let answer: () => void = () => undefined;
    world.whenAnswered = new Promise((resolve) => (answer = resolve));
    return answer;
  };

  it("before the conversation only changes the stage", async () => {
    await world.controller.load();
    await world.controller.choose(zoe);
    expect([world.status, world.calls, world.controller.getState().setup?.avatar.id]).toEqual(["ready", [], "zoe"]);
    await world.controller.start();
    expect(world.calls[0]).toBe("create zoe portrait");
  });

  it("in a conversation ends it first and then begins one with the new character", async () => {
    await world.connect();
    world.calls = [];
    world.createAnswer = { session_id: "s2", status: "created" };
    const answer = delay();
    const choosing = world.controller.choose(zoe);
    expect([world.status, world.controller.stream, world.openPeers, world.openStreams]).toEqual(["connecting", null, 0, 0]);
    await vi.advanceTimersByTimeAsync(100);
    expect(world.calls).toEqual(["delete s1"]);
    answer();
    await choosing;
    expect(world.calls).toEqual(["delete s1", "create zoe portrait", "offer s2 sdp2"]);
    world.showsFrame();
    expect([world.status, world.openPeers, world.openStreams]).toEqual(["idle", 1, 1]);
  });

  it("while the first is still being made gives that one back", async () => {
    await world.controller.load();
    const answer = delay();
    const starting = world.controller.start();
    const choosing = world.controller.choose(zoe);
    answer();
    await Promise.all([starting, choosing]);
    expect(world.calls.slice(0, 3)).toEqual(["create demo-avatar portrait", "delete s1", "create zoe portrait"]);
    world.showsFrame();
    expect([world.status, world.openPeers, world.openStreams]).toEqual(["idle", 1, 1]);
  });

  it("twice in a row makes a session with the last one only", async () => {
    await world.connect();
    world.calls = [];
    await Promise.all([world.controller.choose(zoe), world.controller.choose(mia)]);
    expect(world.calls.filter((call) => call.startsWith("create"))).toEqual(["create mia portrait"]);
  });

  it("that is on the stage already changes nothing", async () => {
    await world.connect();
    const before = world.controller.getState();
    await world.controller.choose(avatar);
    expect(world.controller.getState()).toBe(before);
  });

  it("hears no more of a message to the one before", async () => {
    await world.connect();
    world.talkError = new ApiError(404, "session not found");
    const sending = world.controller.send({ text: "Hi", verbatim: false });
    world.createAnswer = { session_id: "s2", status: "created" };
    await Promise.all([sending, world.controller.choose(zoe)]);
    world.showsFrame();
    expect([world.status, world.controller.getState().notices]).toEqual(["idle", []]);
  });
});

describe("leaving", () => {
  it("ends the session and closes everything", async () => {
    await world.connect();
    world.controller.leave();
    expect(world.calls.at(-1)).toBe("delete s1");
    expect([world.openPeers, world.openStreams]).toEqual([0, 0]);
  });

  it("also gives back a session whose creation was under way", async () => {
    await world.controller.load();
    const starting = world.controller.start();
    world.controller.leave();
    await starting;
    expect(world.calls).toEqual(["create demo-avatar portrait", "delete s1"]);
    expect(world.peers).toEqual([]);
  });
});
