/** One WebRTC connection: the avatar's picture and voice come in, the microphone goes out while it is on. */

import { Fading } from "./fading";

const GATHER_LIMIT_MS = 2_000;
/** What to assume for network and jitter buffer as long as nothing was measured. */
const ASSUMED_DELAY_MS = 100;
const LONGEST_DELAY_MS = 500;
const LEVEL_PERIOD_MS = 20;
/** A voice that goes on for so long was not silenced. */
const LONGEST_FADE_MS = 2_000;

export interface PeerHandlers {
  onStream(stream: MediaStream): void;
  onConnection(state: RTCPeerConnectionState): void;
}

export class Peer {
  readonly connection: RTCPeerConnection;
  private readonly fallbackStream = new MediaStream();
  private readonly sound: RTCRtpTransceiver;

  constructor(private readonly handlers: PeerHandlers) {
    const connection = new RTCPeerConnection({ iceServers: [] });
    // Both ways from the beginning, so that a microphone can join, change and leave without a new offer.
    this.sound = connection.addTransceiver("audio", { direction: "sendrecv" });
    connection.addTransceiver("video", { direction: "recvonly" });
    connection.addEventListener("track", this.onTrack);
    connection.addEventListener("connectionstatechange", this.onState);
    this.connection = connection;
  }

  /** The complete offer: candidates are gathered before it is sent, for at most two seconds. */
  async offer(): Promise<string> {
    await this.connection.setLocalDescription(await this.connection.createOffer());
    await gathered(this.connection);
    return this.connection.localDescription?.sdp ?? "";
  }

  async accept(sdp: string): Promise<void> {
    await this.connection.setRemoteDescription({ type: "answer", sdp });
  }

  /** Sends this microphone from now on, or none. */
  async sendMicrophone(track: MediaStreamTrack | null): Promise<void> {
    // It is refused only where the connection was closed meanwhile.
    await this.sound.sender.replaceTrack(track).catch(() => undefined);
  }

  /**
   * Milliseconds from now until the avatar's voice, as this browser plays it, is silent; at most, as the level is known
   * for spans of 110 ms only. Null where the browser does not tell the level, or the voice goes on.
   */
  async silentAfterMs(): Promise<number | null> {
    const begin = performance.now();
    const fading = new Fading();
    for (let at = 0; at < LONGEST_FADE_MS; at = performance.now() - begin) {
      const level = await this.playedLevel();
      if (level === null) return null;
      const silentAfter = fading.take(level, at);
      if (silentAfter !== null) return silentAfter;
      await new Promise((resolve) => setTimeout(resolve, LEVEL_PERIOD_MS));
    }
    return null;
  }

  /** How loud the voice is behind the volume of the element that plays it, 0 to 1. */
  private async playedLevel(): Promise<number | null> {
    try {
      for (const report of (await this.sound.receiver.getStats()).values() as Iterable<Record<string, unknown>>) {
        if (report["type"] === "inbound-rtp" && typeof report["audioLevel"] === "number") return report["audioLevel"];
      }
    } catch {
      // A connection that was closed meanwhile has nothing to tell.
    }
    return null;
  }

  /** Words for a failure report, such as "ice checking, connection connecting". */
  describe(): string {
    const { iceConnectionState, connectionState, iceGatheringState, localDescription } = this.connection;
    const addresses = localDescription?.sdp.match(/^a=candidate:/gm)?.length ?? 0;
    return `ICE ${iceConnectionState}, connection ${connectionState}, gathering ${iceGatheringState}, ${addresses} own addresses`;
  }

  /** How long a sound that leaves the server now takes until it is heard, in milliseconds. */
  async playoutDelayMs(): Promise<number> {
    let buffered = Number.NaN;
    let roundTrip = 0;
    try {
      for (const report of (await this.connection.getStats()).values() as Iterable<Record<string, unknown>>) {
        if (report["type"] === "inbound-rtp" && report["kind"] === "audio") {
          buffered = (Number(report["jitterBufferDelay"]) / Number(report["jitterBufferEmittedCount"])) * 1000;
        }
        if (report["type"] === "candidate-pair" && report["nominated"] === true) {
          roundTrip = Number(report["currentRoundTripTime"] ?? 0) * 1000;
        }
      }
    } catch {
      return ASSUMED_DELAY_MS;
    }
    const delay = buffered + roundTrip / 2;
    return Number.isFinite(delay) ? Math.min(delay, LONGEST_DELAY_MS) : ASSUMED_DELAY_MS;
  }

  close(): void {
    this.connection.removeEventListener("track", this.onTrack);
    this.connection.removeEventListener("connectionstatechange", this.onState);
    this.connection.close();
  }

  private readonly onTrack = (event: RTCTrackEvent): void => {
    const stream = event.streams[0] ?? this.fallbackStream;
    if (!stream.getTracks().includes(event.track)) stream.addTrack(event.track);
    this.handlers.onStream(stream);
  };

  private readonly onState = (): void => {
    this.handlers.onConnection(this.connection.connectionState);
  };
}

function gathered(connection: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      connection.removeEventListener("icegatheringstatechange", check);
      resolve();
    };
    const check = (): void => {
      if (connection.iceGatheringState === "complete") finish();
    };
    const timer = setTimeout(finish, GATHER_LIMIT_MS);
    connection.addEventListener("icegatheringstatechange", check);
    check();
  });
}
