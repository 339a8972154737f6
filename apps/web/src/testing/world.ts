/** The page without its looks, against a server, connections and microphones in memory. */

import { ApiError, type Listening } from "../api/client";
import { type EventName, parseEvent } from "../api/events";
import type { StreamHandlers } from "../api/stream";
import type { SessionCreated, TurnAccepted } from "../api/types";
import type { PeerHandlers } from "../rtc/peer";
import { SessionController } from "../session/controller";
import { Microphone } from "../session/microphone";
import { statusOf } from "../session/state";
import { Voice } from "../session/voice";
import { avatar, health, modelList } from "./examples";
import { FakeMicrophones } from "./microphones";

/** A server in memory: it records the calls and answers as told. */
export class World {
  calls: string[] = [];
  avatars = [avatar];
  connected = true;
  createAnswer: SessionCreated | ApiError = { session_id: "s1", status: "created" };
  /** Sessions are made and ended when this resolves. */
  whenAnswered: Promise<void> = Promise.resolve();
  offerErrors: ApiError[] = [];
  talkError: ApiError | null = null;
  listenError: ApiError | null = null;
  /** The server answers to `listen` when this resolves. */
  whenListened: Promise<void> = Promise.resolve();
  peers: PeerHandlers[] = [];
  openPeers = 0;
  /** What the last connection sends. */
  sending: MediaStreamTrack | null = null;
  openStreams = 0;
  stream: StreamHandlers | null = null;
  readonly controller: SessionController;
  readonly microphones = new FakeMicrophones();
  readonly voice: Voice;

  constructor() {
    const turn = (call: string): Promise<TurnAccepted> => {
      this.calls.push(call);
      return this.talkError ? Promise.reject(this.talkError) : Promise.resolve({ session_id: "s1", status: "queued", turn_id: "t1" });
    };
    const client = {
      avatars: () => Promise.resolve(this.avatars),
      models: () => Promise.resolve(modelList(["portrait"], this.connected ? ["portrait"] : [])),
      health: () => Promise.resolve(health),
      createSession: (id: string, model: string) => {
        this.calls.push(`create ${id} ${model}`);
        const answer = this.createAnswer;
        return answer instanceof ApiError ? Promise.reject(answer) : this.whenAnswered.then(() => answer);
      },
      deleteSession: (id: string) => {
        this.calls.push(`delete ${id}`);
        return this.whenAnswered;
      },
      sessionExists: () => Promise.resolve(true),
      eventsUrl: (id: string) => `events ${id}`,
      offer: (id: string, sdp: string) => {
        this.calls.push(`offer ${id} ${sdp}`);
        const error = this.offerErrors.shift();
        return error ? Promise.reject(error) : Promise.resolve({ sdp: "answer", type: "answer" as const });
      },
      chat: (id: string, text: string) => turn(`chat ${id} ${text}`),
      speak: (id: string, text: string) => turn(`speak ${id} ${text}`),
      interrupt: (id: string) => turn(`interrupt ${id}`).then(() => undefined),
      listen: (id: string, wish: Listening) => {
        this.calls.push(["listen", id, wish.turn_taking, wish.talking].filter((part) => part !== undefined).join(" "));
        const error = this.listenError;
        return error ? Promise.reject(error) : this.whenListened;
      },
      reportPlayout: (id: string, turnId: string, ms: number) => {
        this.calls.push(`silent ${id} ${turnId} ${ms}`);
        return Promise.resolve();
      },
    };
    this.controller = new SessionController(
      client,
      { avatar: null, model: null, lastAvatar: null },
      {
        makePeer: (handlers) => {
          this.peers.push(handlers);
          this.openPeers += 1;
          let open = true;
          return {
            connection: {} as RTCPeerConnection,
            offer: () => Promise.resolve(`sdp${String(this.peers.length)}`),
            accept: () => Promise.resolve(),
            sendMicrophone: (track) => {
              this.sending = track;
              return Promise.resolve();
            },
            silentAfterMs: () => Promise.resolve(40),
            describe: () => "ICE checking",
            playoutDelayMs: () => Promise.resolve(50),
            close: () => {
              if (open) this.openPeers -= 1;
              open = false;
            },
          };
        },
        openStream: (_url, handlers) => {
          this.stream = handlers;
          this.openStreams += 1;
          return { close: () => (this.openStreams -= 1) };
        },
      },
    );
    this.voice = new Voice(this.controller, new Microphone(this.microphones), client);
  }

  get status(): string {
    return statusOf(this.controller.getState());
  }
  get link() {
    return this.controller.getState().link;
  }
  get dialler(): PeerHandlers {
    const handlers = this.peers.at(-1);
    if (!handlers) throw new Error("no peer was made");
    return handlers;
  }
  showsFrame(): void {
    const stream = {} as MediaStream;
    this.dialler.onStream(stream);
    this.controller.firstFrame(stream);
  }
  serverSays(name: EventName, data: Record<string, unknown>): void {
    const event = parseEvent(name, JSON.stringify(data));
    if (event) this.stream?.onEvent(event);
  }
  async connect(): Promise<void> {
    await this.controller.load();
    await this.controller.start();
    this.showsFrame();
  }
}
