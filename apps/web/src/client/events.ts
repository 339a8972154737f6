/** A session's events by fetch, for programs that have no EventSource or need to send a key. */

import type { components } from "../api/schema";
import { ApiError, failure, words } from "./errors";
import type { Http } from "./http";

type Payloads = Required<components["schemas"]["SessionEvents"]>;
/** Every event the document has: its name, its payload, and its id to resume after. */
export type SessionEvent = { [Name in keyof Payloads]: { type: Name; id: string; data: Payloads[Name] } }[keyof Payloads];

export interface Following {
  /** Go on behind this event, as given by `id`. */
  lastEventId?: string;
  signal?: AbortSignal;
}

const PAUSES_MS = [200, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000];
/** The server comments every 15 s: a connection that is silent for so long is dead. */
const SILENCE_MS = 45_000;
const MAY_PASS = new Set([0, 429, 500, 502, 503, 504]);

/**
 * Yields the session's events until it ends, across dropped connections. Throws `ApiError` when the session is not
 * there, or the server stays away; events that the document does not have are passed on as they are.
 */
export async function* follow(http: Http, sessionId: string, { lastEventId = "", signal }: Following = {}): AsyncGenerator<SessionEvent, void> {
  const attempts = new Attempts(signal);
  while (!attempts.over) {
    try {
      for await (const event of once(http, sessionId, lastEventId, signal)) {
        attempts.succeeded();
        if (event === null) continue;
        lastEventId = event.id;
        yield event;
        if (event.type === "session.terminated") return;
      }
    } catch (error) {
      attempts.failed(error);
    }
    await attempts.pause();
  }
}

/** Whether and when to try again. */
class Attempts {
  over = false;
  private opened = false;
  private drops = 0;

  constructor(private readonly signal?: AbortSignal) {}

  succeeded(): void {
    this.opened = true;
    this.drops = 0;
  }

  /** Throws what is final; a session that is gone since the stream was open is just over. */
  failed(error: unknown): void {
    if (this.signal?.aborted || !(error instanceof ApiError)) throw error;
    this.over = error.status === 404 && this.opened;
    if (!this.over && (!MAY_PASS.has(error.status) || this.drops === PAUSES_MS.length)) throw error;
  }

  async pause(): Promise<void> {
    if (this.over) return;
    const milliseconds = PAUSES_MS[Math.min(this.drops, PAUSES_MS.length - 1)];
    this.drops += 1;
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }
}

/** One connection: null says that the server is alive. */
async function* once(http: Http, sessionId: string, lastEventId: string, signal?: AbortSignal): AsyncGenerator<SessionEvent | null, void> {
  const silence = new AbortController();
  const watch = (): ReturnType<typeof setTimeout> =>
    setTimeout(() => {
      silence.abort();
    }, SILENCE_MS);
  let timer = watch();
  try {
    const response = await fetch(http.url("/sessions/{session_id}/events", { session_id: sessionId }), {
      headers: { ...http.headers(), Accept: "text/event-stream", ...(lastEventId ? { "Last-Event-ID": lastEventId } : {}) },
      signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
    });
    if (!response.ok) throw await failure(response);
    if (!response.body) return;
    yield null;
    const messages = new MessageParser();
    const reader = response.body.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = watch();
        yield* messages.feed(value);
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  } catch (error) {
    throw error instanceof ApiError || signal?.aborted ? error : new ApiError(0, words(error));
  } finally {
    clearTimeout(timer);
  }
}

/** Cuts the bytes of an event stream into messages (WHATWG HTML, section 9.2; lines end with LF or CRLF). */
export class MessageParser {
  private readonly decoder = new TextDecoder();
  private rest = "";
  private name = "";
  private id = "";
  private data: string[] = [];

  *feed(bytes: Uint8Array): Generator<SessionEvent | null, void> {
    const lines = (this.rest + this.decoder.decode(bytes, { stream: true })).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      const whole = line.endsWith("\r") ? line.slice(0, -1) : line;
      if (whole) this.take(whole);
      else if (this.data.length) yield this.message();
    }
  }

  private take(line: string): void {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === "event") this.name = value ?? "";
    else if (field === "data") this.data.push(value ?? "");
    else if (field === "id") this.id = value ?? "";
  }

  private message(): SessionEvent | null {
    const { name, id, data } = this;
    this.name = "";
    this.data = [];
    if (name === "ping") return null;
    // The document types the payload of each name; the server is trusted to keep to it.
    return { type: name, id, data: JSON.parse(data.join("\n")) as unknown } as SessionEvent;
  }
}
