/** The person's microphone: opened on their wish only, muted, held, changed and lost. */

import { type Device, type MicrophonePort, type OpenMicrophone, browserMicrophones } from "../rtc/microphone";
import { keep, recall } from "../storage";
import { SignalWatch, meterPosition } from "./level";
import { type MicrophoneState, type Mode, type Problem, isHearing, problemOf } from "./microphoneState";

const LEVEL_PERIOD_MS = 50;
/** People let go of the key a moment before their last sound is out. */
const TAIL_MS = 200;

type Timer = ReturnType<typeof setTimeout>;

export class Microphone {
  private state: MicrophoneState;
  private opened: OpenMicrophone | null = null;
  private attempt = 0;
  /** The attempt that waits for the browser. */
  private waiting: number | null = null;
  private readonly listeners = new Set<() => void>();
  private readonly levelListeners = new Set<(position: number) => void>();
  private readonly signal = new SignalWatch();
  private levelTimer: Timer | undefined;
  private tailTimer: Timer | undefined;
  private unwatch: (() => void) | null = null;

  constructor(private readonly port: MicrophonePort = browserMicrophones) {
    this.state = {
      mode: "off",
      preferred: recall("talking") === "push_to_talk" ? "push_to_talk" : "auto",
      phase: "closed",
      muted: false,
      held: false,
      silent: false,
      problem: null,
      devices: [],
      device: null,
    };
  }

  readonly getState = (): MicrophoneState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Tells where the meter stands, 0 to 1, twenty times a second while the voice goes out. */
  readonly onLevel = (listener: (position: number) => void): (() => void) => {
    this.levelListeners.add(listener);
    return () => this.levelListeners.delete(listener);
  };

  /** What is to be sent; null while no microphone is open. */
  get track(): MediaStreamTrack | null {
    return this.opened?.track ?? null;
  }

  /** Takes up this way of talking; asks for a microphone if none is open. */
  async setMode(mode: Mode): Promise<void> {
    if (mode === "off") {
      this.close();
      return;
    }
    keep("talking", mode);
    this.change({ mode, preferred: mode, muted: false, held: false, problem: null });
    if (this.state.phase === "closed") await this.open(recalledDevice(), true);
  }

  /** One press of the button or of M: on, then muted and back; with push-to-talk on and off. */
  async toggle(): Promise<void> {
    const { phase, mode, muted, preferred } = this.state;
    if (phase === "closed") await this.setMode(preferred);
    else if (phase === "asking" || mode === "push_to_talk") this.close();
    else this.change({ muted: !muted });
  }

  /** Push-to-talk goes down; false where there is nothing to talk into. */
  press(): boolean {
    const { phase, mode } = this.state;
    if (phase !== "open" || mode !== "push_to_talk") return false;
    this.change({ held: true });
    return true;
  }

  release(): void {
    if (this.state.held) this.change({ held: false });
  }

  /** Another microphone from now on, remembered for the next time. */
  async choose(device: Device): Promise<void> {
    keep("microphone", JSON.stringify(device));
    const { mode, preferred } = this.state;
    if (mode === "off") this.change({ mode: preferred, problem: null });
    await this.open(device, false);
  }

  dismissProblem(): void {
    this.change({ problem: null });
  }

  /** Gives the microphone back to the browser. */
  close(problem: Problem | null = null): void {
    this.attempt += 1;
    this.waiting = null;
    this.drop();
    this.change({ mode: "off", phase: "closed", muted: false, held: false, problem, device: null });
  }

  /** With `orAny` another one does, where this one is gone. */
  private async open(device: Device | null, orAny: boolean): Promise<void> {
    const missing = this.port.missing();
    if (missing) {
      this.close({ kind: missing, detail: `${location.protocol}//${location.hostname}` });
      return;
    }
    const attempt = ++this.attempt;
    this.waiting = attempt;
    if (!this.opened) this.change({ phase: "asking" });
    try {
      const opened = await this.port.open(device).catch((error: unknown) => {
        if (orAny && device && isGone(error) && attempt === this.attempt) return this.port.open(null);
        throw error;
      });
      if (attempt !== this.attempt) opened.close();
      else await this.take(opened, device);
    } catch (error) {
      if (attempt !== this.attempt) return;
      this.waiting = null;
      // A microphone that works goes on when another one cannot be had.
      if (this.opened) this.change({ problem: problemOf(error) });
      else this.close(problemOf(error));
    }
  }

  private async take(opened: OpenMicrophone, wanted: Device | null): Promise<void> {
    this.drop();
    this.waiting = null;
    this.opened = opened;
    opened.track.addEventListener("ended", this.onEnded);
    this.unwatch = this.port.watch(() => void this.renewDevices());
    this.change({ phase: "open", device: opened.device, problem: null, silent: false });
    await this.renewDevices();
    // Browsers give a microphone a new id now and then; its name stays.
    const renamed = wanted && wanted.label !== opened.device.label && this.state.devices.find(({ label }) => label === wanted.label);
    if (renamed && this.opened === opened && renamed.id !== wanted.id) await this.choose(renamed);
  }

  private async renewDevices(): Promise<void> {
    const devices = await this.port.devices().catch(() => []);
    this.change({ devices });
  }

  private readonly onEnded = (): void => {
    const label = this.opened?.device.label ?? "";
    if (this.waiting === null) this.close({ kind: "unplugged", detail: label });
    else {
      // The one that takes its place is on its way.
      this.drop();
      this.change({ phase: "asking", held: false, device: null });
    }
    void this.renewDevices();
  };

  private drop(): void {
    this.endTail();
    this.unwatch?.();
    this.unwatch = null;
    this.opened?.track.removeEventListener("ended", this.onEnded);
    this.opened?.close();
    this.opened = null;
  }

  private change(changes: Partial<MicrophoneState>): void {
    const before = this.state;
    this.state = { ...before, ...changes };
    if (!isHearing(this.state)) this.state.silent = false;
    this.apply(isHearing(before));
    for (const listener of this.listeners) listener();
  }

  /** Lets the voice out or keeps it in, and runs the meter only while it goes out. */
  private apply(wasHearing: boolean): void {
    const hearing = isHearing(this.state);
    if (hearing) this.endTail();
    if (this.opened && hearing) this.opened.track.enabled = true;
    else if (this.opened && wasHearing && this.state.mode === "push_to_talk") this.tailTimer = setTimeout(this.shut, TAIL_MS);
    else if (this.tailTimer === undefined) this.shut();
    if (hearing && this.levelTimer === undefined) {
      this.signal.reset();
      this.levelTimer = setInterval(this.measure, LEVEL_PERIOD_MS);
    }
    if (!hearing && this.levelTimer !== undefined) {
      clearInterval(this.levelTimer);
      this.levelTimer = undefined;
      this.tellLevel(0);
    }
  }

  private endTail(): void {
    clearTimeout(this.tailTimer);
    this.tailTimer = undefined;
  }

  private readonly shut = (): void => {
    this.endTail();
    if (this.opened) this.opened.track.enabled = false;
  };

  private readonly measure = (): void => {
    if (document.hidden) {
      this.signal.reset();
      return;
    }
    const peak = this.opened?.level() ?? null;
    this.tellLevel(meterPosition(peak ?? 0));
    if (peak === null) this.signal.reset();
    const silent = peak !== null && this.signal.isSilent(peak, performance.now());
    if (silent !== this.state.silent) this.change({ silent });
  };

  private tellLevel(position: number): void {
    for (const listener of this.levelListeners) listener(position);
  }
}

function isGone(error: unknown): boolean {
  const { kind } = problemOf(error);
  return kind === "unplugged" || kind === "no_device";
}

/** The microphone that was chosen last time. */
function recalledDevice(): Device | null {
  try {
    const kept = JSON.parse(recall("microphone") ?? "null") as Partial<Device> | null;
    return typeof kept?.id === "string" && typeof kept.label === "string" ? { id: kept.id, label: kept.label } : null;
  } catch {
    return null;
  }
}
