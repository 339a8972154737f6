import { describe, expect, it } from "vitest";
import { type EventName, type ServerEvent, parseEvent } from "../api/events";
import { avatar, health, modelList } from "../testing/examples";
import { type Action, reduce } from "./reducer";
import { type Setup, type State, initialState, stageOf, statusOf } from "./state";

const other = { ...avatar, id: "other", name: "Other" };
const setup: Setup = { avatar, avatars: [avatar, other], model: "portrait", models: modelList(["portrait"]), health };

function event(name: EventName, data: Record<string, unknown> = {}, turnId = "a"): ServerEvent {
  const parsed = parseEvent(name, JSON.stringify({ session_id: "s", turn_id: turnId, ...data }));
  if (!parsed) throw new Error(`not an event: ${name}`);
  return parsed;
}

const server = (name: EventName, data?: Record<string, unknown>, turnId?: string): Action => ({
  type: "server",
  event: event(name, data, turnId),
  now: 1_000,
  playoutDelayMs: 100,
});
const run = (state: State, ...actions: Action[]): State => actions.reduce(reduce, state);
const statuses = (state: State, ...actions: Action[]): string[] => {
  let current = state;
  return actions.map((action) => statusOf((current = reduce(current, action))));
};
const sent = (text = "Hi"): Action => ({ type: "sent", outgoing: { text, verbatim: false }, now: 900 });
const chunk = (text: string, turnId = "a"): Action => server("subtitle.chunk", { text, start_ms: 0, end_ms: 500 }, turnId);

const ready = run(initialState, { type: "loaded", setup });
const live = run(
  ready,
  { type: "starting", now: 0 },
  { type: "created", sessionId: "s" },
  { type: "dialling", now: 5 },
  { type: "live" },
);
const talking = run(live, sent(), { type: "accepted", turnId: "a" }, server("speech.started", { text: "Hi" }), server("speech.media_started"));

describe("connecting", () => {
  it("goes from the preview to the live picture", () => {
    let state = initialState;
    const stages = (
      [
        { type: "loaded", setup },
        { type: "starting", now: 7 },
        { type: "created", sessionId: "s" },
        { type: "dialling", now: 50 },
        { type: "live" },
      ] satisfies Action[]
    ).map((action) => {
      state = reduce(state, action);
      return stageOf(state.link);
    });
    expect(stages).toEqual(["preview", "connecting", "connecting", "connecting", "live"]);
    expect(state.sessionId).toBe("s");
  });

  it("counts the time from the start of the whole connection", () => {
    const state = run(ready, { type: "starting", now: 7 }, { type: "dialling", now: 50 });
    expect(state.link).toEqual({ phase: "connecting", since: 7, step: "media" });
  });

  it("shows the place in the queue as it changes, and only positions that are places", () => {
    const queued = run(ready, { type: "starting", now: 0 }, { type: "queued", position: 3 });
    expect(run(queued, server("session.queued", { position: 2, message: "waiting" })).link).toEqual({ phase: "queued", position: 2 });
    expect(run(queued, server("session.queued", { position: 0, message: "slot_acquired" })).link).toEqual({ phase: "queued", position: 3 });
  });

  it("keeps the words for a reconnection while it dials again", () => {
    const state = run(live, { type: "retrying", attempt: 1, of: 4, nextAt: 10 }, { type: "dialling", now: 20 });
    expect(statusOf(state)).toBe("reconnecting");
    expect(statusOf(run(state, { type: "live" }))).toBe("idle");
  });

  it("keeps text sent before the avatar is there, and nothing else of the last session", () => {
    const early = run(ready, { type: "starting", now: 0 }, sent("Early"));
    expect(early.waiting).toEqual({ text: "Early", verbatim: false });
    expect(early.turn).toBeNull();
    const flushed = run(early, { type: "live" }, { type: "flushed" });
    expect([flushed.waiting, statusOf(flushed)]).toEqual([null, "thinking"]);
  });
});

describe("a session that is over", () => {
  const failure = { kind: "webrtc", detail: "ICE failed", retryAfterSeconds: null } as const;

  it.each([
    ["session_expired", "expired"],
    ["peer_lost", "peer_lost"],
    ["worker_lost", "worker_lost"],
  ])("says why it expired: %s", (message, reason) => {
    const state = run(talking, server("session.expired", { message }), server("session.terminated", { reason: "expired" }));
    expect(state.link).toEqual({ phase: "ended", reason });
    expect([state.turn, state.sessionId]).toEqual([null, null]);
  });

  it("is not brought back by what arrives late, but starts again clean", () => {
    const over = run(talking, { type: "failed", failure });
    const late = run(over, { type: "live" }, { type: "dialling", now: 1 }, { type: "retrying", attempt: 1, of: 4, nextAt: 0 });
    expect(late.link).toEqual({ phase: "failed", failure });
    const again = run(late, { type: "starting", now: 2_000 });
    expect([again.link.phase, again.turn, again.captions.lines, again.setup]).toEqual(["connecting", null, [], setup]);
  });
});

describe("another character", () => {
  const chosen: Action = { type: "chosen", avatar: other };

  it("takes the stage with nothing of the conversation before", () => {
    const state = run(talking, chunk("Hello."), server("error", { code: "tts_failed" }), chosen);
    expect(state).toEqual({ ...ready, setup: { ...setup, avatar: other }, nextNoticeKey: state.nextNoticeKey });
    expect(stageOf(state.link)).toBe("preview");
  });

  it("can be chosen after a failure, and hears that the browser is offline", () => {
    const over = run(live, { type: "ended", reason: "gone" }, { type: "offline", offline: true }, chosen);
    expect([over.link.phase, statusOf(over), over.setup?.avatar.id]).toEqual(["ready", "offline", "other"]);
  });

  it("cannot be chosen before anybody is known", () => {
    expect(run(initialState, chosen)).toBe(initialState);
  });
});

describe("a turn", () => {
  it("thinks, speaks and listens again in the order of a chat", () => {
    expect(
      statuses(
        live,
        sent(),
        server("speech.started", { text: "Hi" }),
        server("status", { stage: "thinking" }),
        server("status", { stage: "speaking" }),
        server("speech.media_started"),
        chunk("Hello."),
        server("speech.ended", { reason: "completed" }),
        server("status", { stage: "idle" }),
      ),
    ).toEqual(["thinking", "thinking", "thinking", "speaking", "speaking", "speaking", "idle", "idle"]);
  });

  it("shows the user's words until the avatar's first ones, and those when they are heard", () => {
    const asked = run(live, sent("Who are you?"), server("speech.started", { text: "Who are you?" }));
    expect(asked.captions.own).toBe("Who are you?");
    const answered = run(asked, chunk("I am "), chunk("me."));
    expect(answered.captions.own).toBe("");
    expect(answered.captions.lines.map((line) => [line.chunk.text, line.startsAt])).toEqual([
      ["I am ", 1_100],
      ["me.", 1_100],
    ]);
  });

  it("shows nothing as the user's own for the turn of another client", () => {
    const state = run(talking, chunk("Mine."), server("speech.ended", { reason: "completed" }), server("speech.started", { text: "Other" }, "b"));
    expect(state.captions).toEqual(expect.objectContaining({ own: "", lines: [] }));
    expect(statusOf(state)).toBe("thinking");
  });

  it("goes on after an error, which is told once however often it comes", () => {
    const error = server("error", { code: "tts_failed", message: "voice crashed" });
    const state = run(talking, error, error);
    expect(state.notices.map(({ code, detail }) => [code, detail])).toEqual([["tts_failed", "voice crashed"]]);
    expect(statusOf(state)).toBe("speaking");
    const [notice] = state.notices;
    expect(run(state, { type: "dismissed", key: notice?.key ?? -1 }).notices).toEqual([]);
  });

  it("ends with a failure and is ready for the next", () => {
    const state = run(live, sent(), server("speech.started"), server("error", { code: "llm_failed" }), server("speech.ended", { reason: "failed" }));
    expect([statusOf(state), state.notices[0]?.code]).toEqual(["idle", "llm_failed"]);
    expect(statusOf(run(state, sent()))).toBe("thinking");
  });

  it("that the server refused is taken back", () => {
    const state = run(live, sent(), { type: "refused", code: "send_failed", detail: "HTTP 409" });
    expect([statusOf(state), state.captions.own, state.notices[0]?.code]).toEqual(["idle", "", "send_failed"]);
  });

  it("does not take the idle of the turn before for its own end", () => {
    const state = run(live, sent(), server("status", { stage: "idle" }, "old"));
    expect(statusOf(state)).toBe("thinking");
  });
});

describe("an interrupt", () => {
  const stopped = run(talking, chunk("One "), { type: "stopped", now: 1_300 });

  it("is silent at once, shows itself for a moment and cuts the caption", () => {
    expect([stopped.silenced, statusOf(stopped), stopped.captions.cutAt]).toEqual([true, "interrupted", 1_300]);
    expect(statusOf(run(stopped, { type: "interrupt_shown" }))).toBe("idle");
  });

  it("ignores whatever still arrives for the stopped turn", () => {
    const late = run(stopped, chunk("two."), server("status", { stage: "speaking" }), server("speech.ended", { reason: "interrupted" }));
    expect(late).toEqual(stopped);
  });

  it("stays silent through the next question until its answer is heard", () => {
    const asked = run(stopped, sent("Next"), server("speech.started", { text: "Next" }, "b"));
    expect([asked.silenced, statusOf(asked)]).toEqual([true, "thinking"]);
    expect(run(asked, server("speech.media_started", {}, "b")).silenced).toBe(false);
    expect(run(asked, chunk("Yes.", "b")).silenced).toBe(false);
  });

  it("by a new message silences the old answer before the server knows", () => {
    const state = run(talking, chunk("Long story "), sent("Stop that"));
    expect([state.silenced, state.captions.own, statusOf(state)]).toEqual([true, "Stop that", "thinking"]);
    expect(run(state, chunk("goes on."), server("speech.ended", { reason: "interrupted" })).captions.own).toBe("Stop that");
  });

  it("from elsewhere silences too", () => {
    const state = run(talking, chunk("One "), server("speech.ended", { reason: "interrupted" }), server("status", { stage: "idle" }));
    expect([state.silenced, statusOf(state), state.captions.cutAt]).toEqual([true, "interrupted", 1_100]);
  });

  it("without a running turn changes nothing", () => {
    expect(run(live, { type: "stopped", now: 5 })).toBe(live);
  });
});

describe("the user's voice", () => {
  const words = (text: string, turnId = "b", is_final = false): Action => server("transcript", { text, is_final }, turnId);
  const own = ({ captions: { own, ownPartial } }: State): [string, boolean] => [own, ownPartial];

  it("is heard, thought over and answered, and its words are shown meanwhile", () => {
    const heard = run(live, server("status", { stage: "listening" }, "b"), words("How"), words("How are"));
    expect([statusOf(heard), ...own(heard)]).toEqual(["listening", "How are", true]);
    const asked = run(heard, words("How are you?", "b", true), server("speech.started", { text: "How are you?" }, "b"));
    expect([statusOf(asked), ...own(asked)]).toEqual(["thinking", "How are you?", false]);
    expect(statusOf(run(asked, server("speech.media_started", {}, "b")))).toBe("speaking");
  });

  it("that came to nothing leaves nothing", () => {
    const heard = run(live, server("status", { stage: "listening" }, "b"), words("Hm"));
    for (const end of [server("status", { stage: "idle" }, "b"), server("error", { code: "stt_failed" }, "b"), words("", "b", true)]) {
      const state = run(heard, end);
      expect([statusOf(state), ...own(state)]).toEqual(["idle", "", false]);
    }
  });

  it("that merely agrees lets the answer go on with its captions", () => {
    const agreed = run(talking, chunk("One "), words("Mm-hm"));
    expect([statusOf(agreed), own(agreed)[0], agreed.captions.lines.length]).toEqual(["speaking", "Mm-hm", 1]);
    const gone = run(agreed, chunk("two."));
    expect([own(gone)[0], gone.captions.lines.length, gone.silenced]).toEqual(["", 2, false]);
  });

  it("that interrupts silences the answer, marks where it was cut, and stays on the page", () => {
    const cut = run(talking, chunk("One "), words("No, wait"), server("speech.ended", { reason: "interrupted" }), server("status", { stage: "listening" }, "b"));
    expect([statusOf(cut), cut.silenced, cut.captions.cutAt, ...own(cut)]).toEqual(["listening", true, 1_100, "No, wait", true]);
    const more = run(cut, server("status", { stage: "idle" }, "a"), words("No, wait a moment"));
    expect([statusOf(more), own(more)[0], more.captions.lines.length]).toEqual(["listening", "No, wait a moment", 1]);
    const next = run(more, words("No, wait a moment.", "b", true), server("speech.started", {}, "b"));
    expect([own(next)[0], next.captions.lines, next.captions.cutAt]).toEqual(["No, wait a moment.", [], null]);
  });

  it("gives way to what is written meanwhile", () => {
    const state = run(live, words("How"), sent("Never mind"));
    expect([statusOf(state), ...own(state)]).toEqual(["thinking", "Never mind", false]);
  });
});
