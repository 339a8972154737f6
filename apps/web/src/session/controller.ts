/** Carries out what the state machine only describes: requests, the event stream, the media connection. */

import { type ApiClient, ApiError, errorDetail } from "../api/client";
import type { ServerEvent } from "../api/events";
import { EventStream, type StreamHandlers } from "../api/stream";
import type { AvatarSummary, SessionCreated } from "../api/types";
import { Peer, type PeerHandlers } from "../rtc/peer";
import { type Wishes, chooseAvatar, chooseModel } from "./choose";
import { type Action, reduce } from "./reducer";
import { type FailureKind, type Outgoing, type State, canWrite, initialState } from "./state";

/** From the answer of the server to the first decoded frame. */
const FIRST_FRAME_LIMIT_MS = 15_000;
/** A connection that reports `disconnected` often heals by itself. */
const DISCONNECT_GRACE_MS = 3_000;
/** Pauses before new offers; in all they fit into the 15 s for which the server keeps a lost peer. */
const REDIAL_DELAYS_MS = [0, 1_000, 2_000, 4_000];
/** A first connection whose media never came is tried once more; one that the server put off, three times. */
const FIRST_DIAL_DELAYS_MS = { silent: [500], refused: [500, 2_000, 4_000] };
const INTERRUPT_SHOWN_MS = 1_200;

type Client = Pick<
  ApiClient,
  | "avatars"
  | "models"
  | "health"
  | "createSession"
  | "deleteSession"
  | "sessionExists"
  | "eventsUrl"
  | "offer"
  | "chat"
  | "speak"
  | "interrupt"
>;
type PeerPort = Pick<Peer, "connection" | "offer" | "accept" | "sendMicrophone" | "silentAfterMs" | "describe" | "playoutDelayMs" | "close">;
type StreamPort = Pick<EventStream, "close">;

export interface Ports {
  makePeer(handlers: PeerHandlers): PeerPort;
  openStream(url: () => string, handlers: StreamHandlers): StreamPort;
}

const browserPorts: Ports = {
  makePeer: (handlers) => new Peer(handlers),
  openStream: (url, handlers) => new EventStream(url, handlers),
};

type Timer = ReturnType<typeof setTimeout>;

export class SessionController {
  /** The stream to show; null until the first connection. */
  stream: MediaStream | null = null;
  peer: PeerPort | null = null;

  private state: State = initialState;
  private readonly listeners = new Set<() => void>();
  private events: StreamPort | null = null;
  private visit = 0;
  /** The last request that takes or gives back a place on the server; it never fails. */
  private before: Promise<void> | null = null;
  private microphone: MediaStreamTrack | null = null;
  private attempt = 0;
  private wasLive = false;
  private playoutDelayMs = 100;
  private frameTimer: Timer | undefined;
  private graceTimer: Timer | undefined;
  private redialTimer: Timer | undefined;

  constructor(
    private readonly client: Client,
    private readonly wishes: Wishes,
    private readonly ports: Ports = browserPorts,
  ) {}

  readonly getState = (): State => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  async load(): Promise<void> {
    try {
      const [avatars, models, health] = await Promise.all([this.client.avatars(), this.client.models(), this.client.health()]);
      const avatar = chooseAvatar(avatars, this.wishes);
      if (!avatar) {
        this.fail("no_avatar", "GET /avatars: []");
        return;
      }
      const model = chooseModel(models, this.wishes.model);
      if (!model) {
        this.fail("no_model", models.statuses.map(({ id, reason }) => `${id}: ${reason}`).join(", "));
        return;
      }
      this.dispatch({ type: "loaded", setup: { avatar, avatars, model, models, health } });
    } catch (error) {
      this.fail("load", errorDetail(error));
    }
  }

  /** Asks for everything once more, as if the page had just come. */
  async reload(): Promise<void> {
    this.state = initialState;
    await this.load();
  }

  /** Opens a session, or begins again after one that failed or ended. */
  async start(): Promise<void> {
    if (!this.state.setup) await this.reload();
    const { setup, link } = this.state;
    if (!setup || link.phase === "connecting" || link.phase === "live") return;
    this.hangUp();
    const visit = ++this.visit;
    this.dispatch({ type: "starting", now: performance.now() });
    try {
      // A server with one place left needs it back first.
      if (this.before) await this.before;
      if (visit !== this.visit) return;
      const opening = this.open(visit, setup.avatar.id, setup.model);
      this.before = opening.then(() => undefined, () => undefined);
      const created = await opening;
      if (!created || visit !== this.visit) return;
      if (created.status === "queued") this.dispatch({ type: "queued", position: 1 });
      else await this.dial();
    } catch (error) {
      if (visit === this.visit) this.failFrom(error, "create");
    }
  }

  /** Puts another character on the stage; a running session ends, and one with the new character begins if it is to go on. */
  async choose(avatar: AvatarSummary, goOn = true): Promise<void> {
    const { setup, link } = this.state;
    if (!setup || avatar.id === setup.avatar.id) return;
    const running = goOn && canWrite(link);
    this.leave();
    this.dispatch({ type: "chosen", avatar });
    if (running) await this.start();
  }

  /** Creates the session and listens to it; null, and the session given back, if nobody waits for it any more. */
  private async open(visit: number, avatarId: string, model: string): Promise<SessionCreated | null> {
    const created = await this.client.createSession(avatarId, model);
    if (visit !== this.visit) {
      await this.client.deleteSession(created.session_id);
      return null;
    }
    this.dispatch({ type: "created", sessionId: created.session_id });
    this.listen(created.session_id);
    return created;
  }

  /** Sends the user's text; before the avatar is there it waits for it. */
  async send(outgoing: Outgoing): Promise<void> {
    this.dispatch({ type: "sent", outgoing, now: performance.now() });
    if (this.state.link.phase === "live") await this.deliver(outgoing);
  }

  /** Stops the avatar: silent at once here, then on the server. */
  async stop(): Promise<void> {
    const { sessionId, turn } = this.state;
    if (!sessionId || !turn) return;
    this.dispatch({ type: "stopped", now: performance.now() });
    try {
      await this.client.interrupt(sessionId);
    } catch (error) {
      if (sessionId !== this.state.sessionId) return;
      this.dispatch({ type: "notice", code: "stop_failed", detail: errorDetail(error) });
    }
  }

  /** Stops the avatar here, when the server is about to do it by itself. */
  hush(): void {
    this.dispatch({ type: "hushed", now: performance.now() });
  }

  /** The server did not stop the avatar after all. */
  resume(): void {
    this.dispatch({ type: "resumed" });
  }

  /** What is sent of the person's voice from now on, also over later connections; null for nothing. */
  setMicrophone(track: MediaStreamTrack | null): void {
    if (track === this.microphone) return;
    this.microphone = track;
    void this.peer?.sendMicrophone(track);
  }

  /** Tells the visitor something, by the code of its sentence. */
  notice(code: string, detail: string): void {
    this.dispatch({ type: "notice", code, detail });
  }

  dismiss(key: number): void {
    this.dispatch({ type: "dismissed", key });
  }

  setOffline(offline: boolean): void {
    this.dispatch({ type: "offline", offline });
  }

  /** The stage shows the first picture of the current stream. */
  firstFrame(stream: MediaStream): void {
    if (stream !== this.stream || this.state.link.phase === "live") return;
    clearTimeout(this.frameTimer);
    this.attempt = 0;
    this.wasLive = true;
    this.dispatch({ type: "live" });
    const { waiting } = this.state;
    if (waiting) {
      this.dispatch({ type: "flushed" });
      void this.deliver(waiting);
    }
  }

  /** The page is going away: give the place back. */
  leave(): void {
    const { sessionId } = this.state;
    this.visit += 1;
    this.hangUp();
    if (sessionId) this.giveBack(sessionId);
  }

  private giveBack(sessionId: string): void {
    this.before = this.client.deleteSession(sessionId).catch(() => undefined);
  }

  private dispatch(action: Action): void {
    const before = this.state;
    this.state = reduce(before, action);
    if (this.state === before) return;
    if (this.state.justInterrupted && !before.justInterrupted) {
      setTimeout(() => {
        this.dispatch({ type: "interrupt_shown" });
      }, INTERRUPT_SHOWN_MS);
    }
    if (this.state.link.phase === "ended" && before.link.phase !== "ended") this.hangUp();
    for (const listener of this.listeners) listener();
  }

  private async deliver({ text, verbatim }: Outgoing): Promise<void> {
    const { sessionId } = this.state;
    if (!sessionId) return;
    try {
      const turn = await (verbatim ? this.client.speak(sessionId, text) : this.client.chat(sessionId, text));
      if (sessionId === this.state.sessionId) this.dispatch({ type: "accepted", turnId: turn.turn_id });
    } catch (error) {
      if (sessionId !== this.state.sessionId) return;
      if (error instanceof ApiError && error.status === 404) this.dispatch({ type: "ended", reason: "gone" });
      else this.dispatch({ type: "refused", code: "send_failed", detail: errorDetail(error) });
    }
  }

  private listen(sessionId: string): void {
    this.events = this.ports.openStream(() => this.client.eventsUrl(sessionId), {
      onEvent: (event) => {
        this.onServerEvent(event);
      },
      stillThere: () => this.client.sessionExists(sessionId),
      onGone: () => {
        this.dispatch({ type: "ended", reason: "gone" });
      },
    });
  }

  private onServerEvent(event: ServerEvent): void {
    if (event.name === "speech.started" || event.name === "speech.media_started" || event.name === "subtitle.chunk") this.measureDelay();
    this.dispatch({ type: "server", event, now: performance.now(), playoutDelayMs: this.playoutDelayMs });
    if (event.name !== "session.queued") return;
    if (event.data.message === "slot_acquired" && this.state.link.phase === "queued") void this.dial();
    if (event.data.message === "timeout") this.fail("queue_timeout", "session.queued: timeout");
  }

  private measureDelay(): void {
    void this.peer?.playoutDelayMs().then((delay) => {
      this.playoutDelayMs = delay;
    });
  }

  private async dial(): Promise<void> {
    const { sessionId } = this.state;
    if (!sessionId) return;
    this.dispatch({ type: "dialling", now: performance.now() });
    this.closePeer();
    let peer: PeerPort;
    try {
      peer = this.makePeer();
    } catch (error) {
      // The constructor is missing or forbidden: this browser has no WebRTC.
      this.fail("no_webrtc", `${errorDetail(error)}; ${navigator.userAgent}`);
      return;
    }
    this.peer = peer;
    if (this.microphone) void peer.sendMicrophone(this.microphone);
    try {
      const sdp = await peer.offer();
      if (peer !== this.peer) return;
      const answer = await this.client.offer(sessionId, sdp);
      if (peer !== this.peer) return;
      await peer.accept(answer.sdp);
      this.frameTimer = setTimeout(() => {
        this.lost();
      }, FIRST_FRAME_LIMIT_MS);
    } catch (error) {
      if (peer === this.peer) this.onDialError(error);
    }
  }

  private makePeer(): PeerPort {
    const peer: PeerPort = this.ports.makePeer({
      onStream: (stream) => {
        if (peer !== this.peer) return;
        this.stream = stream;
        for (const listener of this.listeners) listener();
      },
      onConnection: (connection) => {
        if (peer === this.peer) this.onConnection(connection);
      },
    });
    return peer;
  }

  private onDialError(error: unknown): void {
    if (error instanceof ApiError && error.status === 404) {
      this.dispatch({ type: "ended", reason: "gone" });
    } else if (error instanceof ApiError && (error.status === 0 || error.status >= 500)) {
      this.lost(error);
    } else if (error instanceof ApiError) {
      this.failFrom(error, "create");
    } else {
      this.failFrom(error, "webrtc");
    }
  }

  private onConnection(connection: RTCPeerConnectionState): void {
    clearTimeout(this.graceTimer);
    if (connection === "failed") this.lost();
    if (connection === "disconnected") {
      this.graceTimer = setTimeout(() => {
        this.lost();
      }, DISCONNECT_GRACE_MS);
    }
  }

  /** Media stopped or never came: dial again after a pause, or give up when all tries are used. */
  private lost(error?: unknown): void {
    const detail = [this.peer?.describe(), error === undefined ? null : errorDetail(error)].filter(Boolean).join("; ");
    this.closePeer();
    const delays = this.wasLive ? REDIAL_DELAYS_MS : FIRST_DIAL_DELAYS_MS[error === undefined ? "silent" : "refused"];
    const delay = delays[this.attempt];
    if (delay === undefined) {
      // With an error it was the server that refused; without one, packets got lost on the way.
      const refusal = error instanceof ApiError && error.status === 0 ? "unreachable" : "create";
      this.fail(error === undefined ? "webrtc" : refusal, detail);
      return;
    }
    this.attempt += 1;
    if (this.wasLive) {
      this.dispatch({ type: "retrying", attempt: this.attempt, of: delays.length, nextAt: performance.now() + delay });
    }
    this.redialTimer = setTimeout(() => void this.dial(), delay);
  }

  private failFrom(error: unknown, kind: FailureKind): void {
    const status = error instanceof ApiError ? error.status : null;
    const retryAfterSeconds = error instanceof ApiError ? error.retryAfterSeconds : null;
    let actual = kind;
    if (status === 0) actual = "unreachable";
    if (status === 503 && kind === "create") actual = "server_full";
    this.fail(actual, errorDetail(error), retryAfterSeconds);
  }

  private fail(kind: FailureKind, detail: string, retryAfterSeconds: number | null = null): void {
    const { sessionId } = this.state;
    this.dispatch({ type: "failed", failure: { kind, detail, retryAfterSeconds } });
    this.hangUp();
    if (sessionId) this.giveBack(sessionId);
  }

  private closePeer(): void {
    clearTimeout(this.frameTimer);
    clearTimeout(this.graceTimer);
    clearTimeout(this.redialTimer);
    this.peer?.close();
    this.peer = null;
  }

  private hangUp(): void {
    this.closePeer();
    this.events?.close();
    this.events = null;
    this.stream = null;
    this.attempt = 0;
    this.wasLive = false;
  }
}
