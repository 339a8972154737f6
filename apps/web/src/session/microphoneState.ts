/** What the page knows of the microphone: types and derived views. How it changes is in `microphone.ts`. */

import type { Device } from "../rtc/microphone";

/** How the person talks: hands-free, with a key or button held down, or not by voice. */
export type Mode = "auto" | "push_to_talk" | "off";

export type ProblemKind =
  | "insecure"
  | "unsupported"
  | "denied"
  | "blocked"
  | "no_device"
  | "in_use"
  | "unplugged"
  | "refused"
  | "failed";

export interface Problem {
  kind: ProblemKind;
  /** The browser's own words, or the server's. */
  detail: string;
}

export interface MicrophoneState {
  mode: Mode;
  /** The way of talking that a click on the button takes up. */
  preferred: Exclude<Mode, "off">;
  phase: "closed" | "asking" | "open";
  muted: boolean;
  /** The key or the button of push-to-talk is down. */
  held: boolean;
  /** It is open and nothing at all comes out of it. */
  silent: boolean;
  problem: Problem | null;
  devices: Device[];
  /** The one in use. */
  device: Device | null;
}

export type MicrophoneStatus = "off" | "asking" | "on" | "muted" | "waiting" | "held" | "silent" | "problem";

/** The one word for the microphone, in `data-microphone` and as the key of its sentences. */
export function microphoneStatus(state: MicrophoneState): MicrophoneStatus {
  if (state.phase === "asking") return "asking";
  if (state.phase === "closed") return state.problem ? "problem" : "off";
  if (state.mode === "push_to_talk") return state.held ? "held" : "waiting";
  if (state.muted) return "muted";
  return state.silent ? "silent" : "on";
}

/** True while the person's voice goes out. */
export function isHearing(state: MicrophoneState): boolean {
  return state.phase === "open" && (state.mode === "push_to_talk" ? state.held : !state.muted);
}

/** What the server is to make of the sound that comes. */
export function wantedMode({ phase, mode }: MicrophoneState): Mode {
  return phase === "open" ? mode : "off";
}

/** The kind of an error of `getUserMedia` (Media Capture and Streams, section 10.2). */
export function problemOf(error: unknown): Problem {
  const { name, message } = error instanceof Error || error instanceof DOMException ? error : { name: "Error", message: String(error) };
  return { kind: kindOf(name, message), detail: `${name}: ${message}` };
}

function kindOf(name: string, message: string): ProblemKind {
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      // Chromium says by whom: "Permission denied by system".
      return /system/i.test(message) ? "blocked" : "denied";
    case "NotFoundError":
      return "no_device";
    case "OverconstrainedError":
      return "unplugged";
    case "NotReadableError":
    case "AbortError":
      return "in_use";
    default:
      return "failed";
  }
}
