/** Microphones in memory: a browser that gives or refuses them, and tells how loud they are. */

import type { Device, MicrophonePort, OpenMicrophone } from "../rtc/microphone";

export const headset: Device = { id: "h", label: "Headset" };
export const webcam: Device = { id: "w", label: "Webcam" };

/** As much of a track as the page uses. */
export class FakeTrack extends EventTarget {
  enabled = true;
  stopped = false;
}

export class FakeMicrophones implements MicrophonePort {
  present = [headset, webcam];
  lack: "insecure" | "unsupported" | null = null;
  refusal: Error | null = null;
  peak: number | null = 0.1;
  asked: (string | null)[] = [];
  tracks: FakeTrack[] = [];
  /** Requests are answered when this resolves. */
  whenAnswered: Promise<void> = Promise.resolve();
  private readonly watchers = new Set<() => void>();

  missing(): "insecure" | "unsupported" | null {
    return this.lack;
  }

  async open(device: Device | null): Promise<OpenMicrophone> {
    this.asked.push(device?.id ?? null);
    await this.whenAnswered;
    if (this.refusal) throw this.refusal;
    const found = device === null ? this.present[0] : this.present.find(({ id }) => id === device.id);
    if (!found && device) throw new DOMException("deviceId", "OverconstrainedError");
    if (!found) throw new DOMException("Requested device not found", "NotFoundError");
    const track = new FakeTrack();
    this.tracks.push(track);
    return {
      track: track as unknown as MediaStreamTrack,
      device: found,
      level: () => (track.enabled ? this.peak : 0),
      close: () => {
        track.stopped = true;
      },
    };
  }

  devices(): Promise<Device[]> {
    return Promise.resolve(this.present);
  }

  watch(onChange: () => void): () => void {
    this.watchers.add(onChange);
    return () => this.watchers.delete(onChange);
  }

  /** The one that is open now. */
  get track(): FakeTrack {
    const track = this.tracks.at(-1);
    if (!track) throw new Error("no microphone was opened");
    return track;
  }

  get watching(): number {
    return this.watchers.size;
  }

  unplug(device: Device): void {
    this.present = this.present.filter((other) => other !== device);
    for (const watcher of this.watchers) watcher();
    this.track.dispatchEvent(new Event("ended"));
  }

  plug(...devices: Device[]): void {
    this.present = [...this.present, ...devices];
    for (const watcher of this.watchers) watcher();
  }
}
