/** Sound to a session by WebSocket: to be spoken by the face as it is, or to be recognised and answered. */

import type { components } from "../api/schema";
import { StreamClosed } from "./errors";

type Schemas = components["schemas"];
type Received = Schemas["AudioStreamReceived"];
type Queued = Schemas["QueuedMessage"];
export type Opening = Schemas["ConfigMessage"] | Schemas["MetaMessage"];
export type OpenSocket = (url: string) => WebSocket;

const FRAME_BYTES = 32_000;
/** The browser buffers what the server does not read: beyond this it is waited for. */
const BUFFERED_BYTES = 64_000;
const BUFFER_LOOK_MS = 20;
const OPEN_TIMEOUT_MS = 10_000;
const FINISH_TIMEOUT_MS = 120_000;
const DONE = 1000;

export class AudioStream {
  private readonly socket: WebSocket;
  private queued: Queued | null = null;
  private error: Schemas["ErrorMessage"] | null = null;
  private acknowledge: () => void = () => undefined;
  private readonly acknowledged = new Promise<void>((resolve) => {
    this.acknowledge = resolve;
  });
  private readonly closed: Promise<CloseEvent>;

  private constructor(
    url: string,
    private readonly opening: Opening,
    open: OpenSocket,
  ) {
    this.socket = open(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("message", (message) => {
      if (typeof message.data === "string") this.take(JSON.parse(message.data) as Received);
    });
    this.closed = new Promise((resolve) => {
      this.socket.addEventListener("close", resolve);
    });
  }

  /** Connects and says which dialect is meant; throws `StreamClosed` when the server refuses. */
  static async open(url: URL, opening: Opening, open: OpenSocket = (address) => new WebSocket(address)): Promise<AudioStream> {
    const address = new URL(url);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const stream = new AudioStream(address.href, opening, open);
    try {
      await within(OPEN_TIMEOUT_MS, stream.begin());
    } catch (error) {
      stream.socket.close();
      throw error;
    }
    return stream;
  }

  /** Sends samples: signed 16-bit little-endian mono PCM; waits while the server has enough. */
  async send(pcm: Int16Array | Uint8Array): Promise<void> {
    const bytes = new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    for (let start = 0; start < bytes.length; start += FRAME_BYTES) {
      while (this.isOpen() && this.socket.bufferedAmount > BUFFERED_BYTES) await pause(BUFFER_LOOK_MS);
      if (!this.isOpen()) this.fail(await this.closed);
      this.socket.send(bytes.slice(start, start + FRAME_BYTES));
    }
  }

  /** Silences the turn; what is sent next starts a new one (only for sound that is played). */
  interrupt(): void {
    this.say({ type: "interrupt" });
  }

  /** Ends the sound: resolves when all was played (null), or with the answer that was queued. */
  async finish(timeoutMs: number = FINISH_TIMEOUT_MS): Promise<Queued | null> {
    if (this.isOpen()) this.say({ type: this.opening.type === "config" ? "eos" : "end" });
    const event = await within(timeoutMs, this.closed);
    if (event.code !== DONE || this.error) this.fail(event);
    return this.queued;
  }

  /** Drops the socket. */
  close(): void {
    this.socket.close();
  }

  private async begin(): Promise<void> {
    const connected = new Promise<void>((resolve) => {
      this.socket.addEventListener("open", () => {
        resolve();
      });
    });
    const refused = this.closed.then((event) => this.fail(event));
    await Promise.race([connected, refused]);
    this.say(this.opening);
    if (this.opening.type === "config") await Promise.race([this.acknowledged, refused]);
    else refused.catch(() => undefined);
  }

  private take(message: Received): void {
    if (!("type" in message)) this.queued = message;
    else if (message.type === "ack") this.acknowledge();
    else this.error = message;
  }

  private say(message: Schemas["AudioStreamSent"]): void {
    this.socket.send(JSON.stringify(message));
  }

  private isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  private fail(event: CloseEvent): never {
    throw new StreamClosed(event.code, this.error?.code ?? "connection_lost", this.error?.message ?? (event.reason || "the connection broke"));
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new StreamClosed(0, "timeout", `no answer within ${milliseconds} ms`));
    }, milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
