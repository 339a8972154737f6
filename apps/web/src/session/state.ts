/** What the page knows: types and derived views. How it changes is in `reducer.ts`. */

import type { AvatarSummary, Health, ModelList } from "../api/types";
import type { Captions } from "./captions";
import { noCaptions } from "./captions";

export interface Setup {
  avatar: AvatarSummary;
  /** All there are, as the page found them when it came. */
  avatars: AvatarSummary[];
  model: string;
  models: ModelList;
  health: Health;
}

export type FailureKind =
  | "load"
  | "no_avatar"
  | "no_model"
  | "server_full"
  | "create"
  | "queue_timeout"
  | "webrtc"
  | "no_webrtc"
  | "unreachable";

export interface Failure {
  kind: FailureKind;
  detail: string;
  retryAfterSeconds: number | null;
}

export type EndReason = "expired" | "peer_lost" | "worker_lost" | "gone" | "closed";

/** The road to the avatar. Times are local clock readings in milliseconds. */
export type Link =
  | { phase: "loading" }
  | { phase: "ready" }
  | { phase: "connecting"; since: number; step: "session" | "media" }
  | { phase: "queued"; position: number }
  | { phase: "live" }
  | { phase: "reconnecting"; attempt: number; of: number; nextAt: number }
  | { phase: "failed"; failure: Failure }
  | { phase: "ended"; reason: EndReason };

export interface Turn {
  /** Null between sending and the server's answer. */
  id: string | null;
  phase: "thinking" | "speaking";
}

/** A turn that this page silenced because the server is about to end it, as it would be without that. */
export interface Hushed {
  turn: Turn;
  captions: Captions;
}

export interface Notice {
  key: number;
  /** Error code of the server or of the page; picks the sentence. */
  code: string;
  detail: string;
}

export interface Outgoing {
  text: string;
  verbatim: boolean;
}

export interface State {
  link: Link;
  setup: Setup | null;
  sessionId: string | null;
  offline: boolean;
  turn: Turn | null;
  /** The server hears the person speak, and no turn runs. */
  hearing: boolean;
  /** True for a moment after an interrupt, so that a person can see it. */
  justInterrupted: boolean;
  /** The page plays no sound until the next speech begins. */
  silenced: boolean;
  /** What goes on where the server does not end it after all. */
  hushed: Hushed | null;
  /** Turns that are over for this page; whatever arrives late for them is ignored. */
  closedTurns: string[];
  captions: Captions;
  notices: Notice[];
  nextNoticeKey: number;
  /** Text that was sent before the avatar was there. */
  waiting: Outgoing | null;
  expiresInSeconds: number | null;
}

export const initialState: State = {
  link: { phase: "loading" },
  setup: null,
  sessionId: null,
  offline: false,
  turn: null,
  hearing: false,
  justInterrupted: false,
  silenced: false,
  hushed: null,
  closedTurns: [],
  captions: noCaptions,
  notices: [],
  nextNoticeKey: 1,
  waiting: null,
  expiresInSeconds: null,
};

export type Status =
  | "loading"
  | "ready"
  | "connecting"
  | "queued"
  | "idle"
  | "listening"
  | "thinking"
  | "speaking"
  | "interrupted"
  | "reconnecting"
  | "failed"
  | "ended"
  | "offline";

/** The one word for what is going on, shown in the status line and in `data-status`. */
export function statusOf(state: State): Status {
  const { link } = state;
  if (state.offline && link.phase !== "live") return "offline";
  if (link.phase !== "live") return link.phase;
  if (state.turn) return state.turn.phase;
  if (state.hearing) return "listening";
  return state.justInterrupted ? "interrupted" : "idle";
}

/** What the light around the picture tells of a running conversation. */
export function moodOf(state: State): "idle" | "listening" | "thinking" | "speaking" {
  const status = statusOf(state);
  return status === "listening" || status === "thinking" || status === "speaking" ? status : "idle";
}

export type StageState = "preview" | "connecting" | "live" | "failed";

/** Which picture the stage shows, in `data-state`. */
export function stageOf(link: Link): StageState {
  switch (link.phase) {
    case "loading":
    case "ready":
      return "preview";
    case "connecting":
    case "queued":
    case "reconnecting":
      return "connecting";
    case "live":
      return "live";
    case "failed":
    case "ended":
      return "failed";
  }
}

/** True while a person may write: from the start of a session until it is over. */
export function canWrite(link: Link): boolean {
  return link.phase === "connecting" || link.phase === "live" || link.phase === "queued" || link.phase === "reconnecting";
}
