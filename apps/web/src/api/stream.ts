import { type ServerEvent, eventNames, parseEvent } from "./events";

/** The server pings every 30 s without events: silence much longer than that means a dead connection. */
const SILENCE_LIMIT_MS = 75_000;
const REOPEN_DELAYS_MS = [500, 1_000, 2_000, 4_000, 8_000];
const CLOSED = 2;

export interface StreamHandlers {
  onEvent(event: ServerEvent): void;
  /** False ends the stream for good: the session no longer exists. Called after each refused connection. */
  stillThere(): Promise<boolean>;
  onGone(): void;
}

export type OpenSource = (url: string) => EventSource;

/**
 * A subscription that survives drops: the browser resumes by `Last-Event-ID` on its own, and where it
 * gives up (an HTTP error, a silent connection) a new one continues with `?last_event_id=`.
 */
export class EventStream {
  private source: EventSource | null = null;
  private lastId = "";
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(
    /** The address as it is now: a token in it changes. */
    private readonly url: () => string,
    private readonly handlers: StreamHandlers,
    private readonly open: OpenSource = (address) => new EventSource(address),
  ) {
    this.connect();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.source?.close();
  }

  private connect(): void {
    if (this.closed) return;
    const source = this.open(resumeUrl(this.url(), this.lastId));
    this.source = source;
    for (const name of eventNames) {
      source.addEventListener(name, (message) => {
        this.receive(source, message, () => parseEvent(name, String(message.data)));
      });
    }
    source.addEventListener("ping", (message) => {
      this.receive(source, message, () => null);
    });
    source.addEventListener("open", () => {
      this.failures = 0;
      this.watch();
    });
    // The server's `error` events share the name with the connection's own, which carry no data.
    source.addEventListener("error", (event) => {
      if (!("data" in event) && source.readyState === CLOSED && source === this.source) void this.recover();
    });
    this.watch();
  }

  private receive(source: EventSource, message: MessageEvent, decode: () => ServerEvent | null): void {
    if (this.closed || source !== this.source || typeof message.data !== "string") return;
    if (message.lastEventId) this.lastId = message.lastEventId;
    this.watch();
    const event = decode();
    if (event) this.handlers.onEvent(event);
  }

  private watch(): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      this.source?.close();
      void this.recover();
    }, SILENCE_LIMIT_MS);
  }

  private async recover(): Promise<void> {
    clearTimeout(this.watchdog);
    let present = true;
    try {
      present = await this.handlers.stillThere();
    } catch {
      // The server cannot be asked just now: assume the session lives and try again.
    }
    if (this.closed) return;
    if (!present) {
      this.close();
      this.handlers.onGone();
      return;
    }
    const delay = REOPEN_DELAYS_MS[Math.min(this.failures, REOPEN_DELAYS_MS.length - 1)];
    this.failures += 1;
    this.timer = setTimeout(() => {
      this.connect();
    }, delay);
  }
}

function resumeUrl(url: string, lastId: string): string {
  if (!lastId) return url;
  const resumed = new URL(url);
  resumed.searchParams.set("last_event_id", lastId);
  return resumed.href;
}
