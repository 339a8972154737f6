/** The state machine of the page: pure, one action in, the next state out. */

import type { ServerEvent, SubtitleChunk } from "../api/events";
import type { AvatarSummary } from "../api/types";
import { noCaptions } from "./captions";
import { type EndReason, type Failure, type Link, type Outgoing, type Setup, type State, type Turn, initialState } from "./state";

export type Action =
  | { type: "loaded"; setup: Setup }
  | { type: "chosen"; avatar: AvatarSummary }
  | { type: "starting"; now: number }
  | { type: "created"; sessionId: string }
  | { type: "queued"; position: number }
  | { type: "dialling"; now: number }
  | { type: "live" }
  | { type: "retrying"; attempt: number; of: number; nextAt: number }
  | { type: "failed"; failure: Failure }
  | { type: "ended"; reason: EndReason }
  | { type: "offline"; offline: boolean }
  | { type: "sent"; outgoing: Outgoing; now: number }
  | { type: "flushed" }
  | { type: "accepted"; turnId: string }
  | { type: "refused"; code: string; detail: string }
  | { type: "stopped"; now: number }
  | { type: "hushed"; now: number }
  | { type: "resumed" }
  | { type: "interrupt_shown" }
  | { type: "notice"; code: string; detail: string }
  | { type: "dismissed"; key: number }
  | { type: "server"; event: ServerEvent; now: number; playoutDelayMs: number };

const MOST_NOTICES = 3;
const MOST_CLOSED_TURNS = 16;

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "loaded":
      return { ...state, setup: action.setup, link: { phase: "ready" } };
    case "chosen":
      return onChosen(state, action.avatar);
    case "server":
      return onServerEvent(state, action.event, action.now, action.playoutDelayMs);
    case "offline":
      return { ...state, offline: action.offline };
    case "notice":
      return withNotice(state, action.code, action.detail);
    case "dismissed":
      return { ...state, notices: state.notices.filter((notice) => notice.key !== action.key) };
    case "interrupt_shown":
      return { ...state, justInterrupted: false };
    case "sent":
    case "flushed":
    case "accepted":
    case "refused":
    case "stopped":
    case "hushed":
    case "resumed":
      return onTalk(state, action);
    default:
      return onLink(state, action);
  }
}

/** Another character stands on the stage; nothing of the conversation with the one before goes along. */
function onChosen(state: State, avatar: AvatarSummary): State {
  if (!state.setup) return state;
  const { setup, offline, nextNoticeKey } = state;
  return { ...initialState, setup: { ...setup, avatar }, offline, nextNoticeKey, link: { phase: "ready" } };
}

type LinkAction = Extract<
  Action,
  { type: "starting" | "created" | "queued" | "dialling" | "live" | "retrying" | "failed" | "ended" }
>;

function onLink(state: State, action: LinkAction): State {
  const link = (next: Link): State => ({ ...state, link: next });
  // Whatever is still on its way from a session that is over must not bring the page back to life.
  const over = state.link.phase === "failed" || state.link.phase === "ended";
  if (over && action.type !== "starting") return state;
  switch (action.type) {
    case "starting":
      return {
        ...initialState,
        setup: state.setup,
        offline: state.offline,
        waiting: state.waiting,
        nextNoticeKey: state.nextNoticeKey,
        link: { phase: "connecting", since: action.now, step: "session" },
      };
    case "created":
      return { ...state, sessionId: action.sessionId };
    case "queued":
      return link({ phase: "queued", position: action.position });
    case "dialling": {
      const since = state.link.phase === "connecting" ? state.link.since : action.now;
      return state.link.phase === "reconnecting" ? state : link({ phase: "connecting", since, step: "media" });
    }
    case "live":
      return link({ phase: "live" });
    case "retrying":
      return link({ phase: "reconnecting", attempt: action.attempt, of: action.of, nextAt: action.nextAt });
    case "failed":
      return { ...withoutSession(state), link: { phase: "failed", failure: action.failure } };
    case "ended":
      return { ...withoutSession(state), link: { phase: "ended", reason: action.reason } };
  }
}

function withoutSession(state: State): State {
  return { ...state, turn: null, hearing: false, sessionId: null, silenced: false, hushed: null, expiresInSeconds: null, captions: noCaptions };
}

type TalkAction = Extract<Action, { type: "sent" | "flushed" | "accepted" | "refused" | "stopped" | "hushed" | "resumed" }>;

function onTalk(state: State, action: TalkAction): State {
  switch (action.type) {
    case "sent": {
      const captions = { ...noCaptions, own: action.outgoing.text };
      if (state.link.phase !== "live") return { ...state, captions, waiting: action.outgoing };
      return { ...closeTurn(state), captions, turn: { id: null, phase: "thinking" }, hearing: false, justInterrupted: false, hushed: null };
    }
    case "flushed":
      return { ...state, waiting: null, turn: { id: null, phase: "thinking" } };
    case "accepted":
      return state.turn?.id === null ? { ...state, turn: { ...state.turn, id: action.turnId } } : state;
    case "refused": {
      const waiting = state.turn?.id === null;
      return withNotice(waiting ? { ...state, turn: null, captions: noCaptions } : state, action.code, action.detail);
    }
    case "stopped":
      return stopTurn(state, action.now);
    case "hushed": {
      const { turn, captions } = state;
      return { ...stopTurn(state, action.now), hushed: turn?.id ? { turn, captions } : state.hushed };
    }
    case "resumed":
      return resumeTurn(state);
  }
}

function stopTurn(state: State, now: number): State {
  if (!state.turn) return state;
  return { ...closeTurn(state), captions: { ...state.captions, cutAt: now, endedAt: now }, justInterrupted: true };
}

/** The hushed turn was not ended by the server: it is seen and heard again. */
function resumeTurn(state: State): State {
  const { hushed } = state;
  if (!hushed) return state;
  const closedTurns = state.closedTurns.filter((id) => id !== hushed.turn.id);
  return { ...state, ...hushed, hushed: null, closedTurns, silenced: false, justInterrupted: false };
}

/** Ends the running turn for this page at once, without waiting for the server: silence first. */
function closeTurn(state: State): State {
  if (!state.turn) return state;
  const { id } = state.turn;
  const closedTurns = id === null ? state.closedTurns : [...state.closedTurns, id].slice(-MOST_CLOSED_TURNS);
  return { ...state, turn: null, silenced: true, closedTurns };
}

function withNotice(state: State, code: string, detail: string): State {
  const rest = state.notices.filter((notice) => notice.code !== code || notice.detail !== detail);
  const notices = [...rest, { key: state.nextNoticeKey, code, detail }].slice(-MOST_NOTICES);
  return { ...state, notices, nextNoticeKey: state.nextNoticeKey + 1 };
}

function onServerEvent(state: State, event: ServerEvent, now: number, playoutDelayMs: number): State {
  if (event.turnId !== null && state.closedTurns.includes(event.turnId)) return behindHush(state, event, now, playoutDelayMs);
  switch (event.name) {
    case "session.queued":
    case "session.expiring":
    case "session.expired":
    case "session.terminated":
      return onSessionEvent(state, event);
    case "error": {
      const { code, message } = event.data;
      return withNotice(code.startsWith("stt") ? unheard(state, null) : state, code || "unknown", message);
    }
    case "transcript":
      return heard(state, event.turnId, event.data.text, event.data.is_final);
    case "speech.started":
      return startTurn(state, event.turnId);
    case "speech.media_started":
      return speaking(state, event.turnId);
    case "status":
      return onStatus(state, event.turnId, event.data.stage);
    case "subtitle.chunk":
      return withChunk(speaking(state, event.turnId), event.data, now + playoutDelayMs);
    case "speech.ended":
      return endTurn(state, event.turnId, event.data.reason, now + playoutDelayMs);
  }
}

/** What the server tells of a turn that is hushed: it counts only if the turn is resumed. */
function behindHush(state: State, event: ServerEvent, now: number, playoutDelayMs: number): State {
  if (state.hushed?.turn.id !== event.turnId) return state;
  const heard = onServerEvent({ ...state, ...state.hushed, hushed: null, closedTurns: [] }, event, now, playoutDelayMs);
  return { ...state, hushed: heard.turn && { turn: heard.turn, captions: heard.captions } };
}

type SessionEvent = Extract<
  ServerEvent,
  { name: "session.queued" | "session.expiring" | "session.expired" | "session.terminated" }
>;

function onSessionEvent(state: State, event: SessionEvent): State {
  switch (event.name) {
    case "session.queued":
      return state.link.phase === "queued" && event.data.position > 0
        ? { ...state, link: { phase: "queued", position: event.data.position } }
        : state;
    case "session.expiring":
      return { ...state, expiresInSeconds: event.data.remaining_sec };
    case "session.expired":
      return onLink(state, { type: "ended", reason: endReason(event.data.message) });
    case "session.terminated":
      return onLink(state, { type: "ended", reason: "closed" });
  }
}

function endReason(message: string): EndReason {
  if (message === "peer_lost" || message === "worker_lost") return message;
  return "expired";
}

/** Words of the user, recognised. Into an answer that goes on they may be a mere "mm-hm", so its captions stay. */
function heard(state: State, turnId: string | null, own: string, final: boolean): State {
  if (!own) return final ? unheard(state, turnId) : state;
  const speechBefore = state.turn?.phase === "speaking" || state.captions.cutAt !== null;
  const captions = { ...(speechBefore ? state.captions : noCaptions), own, ownTurn: turnId, ownPartial: !final };
  return { ...state, captions, hearing: !final && state.turn === null };
}

/** What the user said came to nothing. */
function unheard(state: State, turnId: string | null): State {
  const { captions } = state;
  const theirs = captions.ownPartial && (turnId === null || captions.ownTurn === turnId);
  return { ...state, hearing: false, captions: theirs ? { ...captions, own: "", ownTurn: null, ownPartial: false } : captions };
}

function startTurn(state: State, turnId: string | null): State {
  // A turn of another client of this session has no caption of our own to keep.
  const ours = state.turn?.id === turnId || state.turn?.id === null || state.captions.ownTurn === turnId;
  return {
    ...state,
    turn: { id: turnId, phase: "thinking" },
    hearing: false,
    justInterrupted: false,
    captions: ours ? { ...noCaptions, own: state.captions.own, ownTurn: state.captions.ownTurn } : noCaptions,
    hushed: null,
    expiresInSeconds: null,
  };
}

function speaking(state: State, turnId: string | null): State {
  const turn: Turn = { id: turnId ?? state.turn?.id ?? null, phase: "speaking" };
  return { ...state, turn, hearing: false, silenced: false, justInterrupted: false };
}

function isOtherTurn(state: State, turnId: string | null): boolean {
  const current = state.turn?.id ?? null;
  return current !== null && turnId !== null && current !== turnId;
}

function onStatus(state: State, turnId: string | null, stage: string): State {
  if (isOtherTurn(state, turnId)) return state;
  switch (stage) {
    case "thinking":
      return { ...state, turn: { id: turnId ?? state.turn?.id ?? null, phase: "thinking" } };
    case "speaking":
      return speaking(state, turnId);
    case "listening":
      return state.turn?.id === null ? state : { ...state, turn: null, hearing: true };
    case "idle":
      // Between sending and the server's answer, an `idle` can only belong to what went before.
      return state.turn?.id === null ? state : unheard({ ...state, turn: null }, turnId);
    default:
      return state;
  }
}

function withChunk(state: State, chunk: SubtitleChunk, startsAt: number): State {
  const lines = [...state.captions.lines, { chunk, startsAt }];
  return { ...state, captions: { ...noCaptions, lines } };
}

function endTurn(state: State, turnId: string | null, reason: string, at: number): State {
  if (isOtherTurn(state, turnId)) return state;
  const interrupted = reason === "interrupted";
  // Whoever interrupts by voice is already being heard.
  const { own, ownTurn, ownPartial } = state.captions;
  const next = ownTurn !== null && ownTurn !== turnId ? { own, ownTurn, ownPartial } : { own: "", ownTurn: null, ownPartial: false };
  return {
    ...state,
    turn: null,
    closedTurns: turnId === null ? state.closedTurns : [...state.closedTurns, turnId].slice(-MOST_CLOSED_TURNS),
    silenced: interrupted || state.silenced,
    justInterrupted: interrupted,
    captions: { ...state.captions, ...next, endedAt: at, cutAt: interrupted ? at : null },
  };
}
