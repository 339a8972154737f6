/**
 * The access key of a server that asks for one. It is sent for tokens that end soon and shown nowhere else, and lives
 * as long as this browser tab; addresses only ever hold tokens.
 */

import { ApiError, errorDetail } from "./errors";

export interface Grant {
  token: string;
  /** How long the token is good. */
  seconds: number;
}

export interface AccessState {
  /** The server asks for a key, and there is none that works. */
  wanted: boolean;
  /** What was wrong with the last try. */
  problem: "wrong" | "unreachable" | "refused" | null;
  detail: string;
}

/** Where the key is between two loads of the page. */
export interface KeyPlace {
  recall(): string | null;
  keep(key: string | null): void;
}

type Outcome = "granted" | "not_needed" | "wrong" | "unreachable" | "refused";

/** A token is renewed when this share of its time is left, but not earlier than a minute before its end. */
const RENEW_SHARE = 1 / 3;
const RENEW_AT_MOST_MS = 60_000;
const RETRY_MS = 10_000;
/** What a header can carry; keys are made of less. */
const SENDABLE = /^[\x21-\x7e]+$/;
const calm: AccessState = { wanted: false, problem: null, detail: "" };

export class Access {
  private state = calm;
  private readonly listeners = new Set<() => void>();
  private key: string | null;
  private token = "";
  private renewAt = 0;
  private endsAt = 0;
  private renewing: Promise<Outcome> | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failure = "";

  constructor(
    private readonly exchange: (key: string) => Promise<Grant>,
    private readonly place: KeyPlace,
  ) {
    this.key = place.recall();
  }

  readonly getState = (): AccessState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** The token to show; empty where none is needed or known. */
  readonly credential = (): string => this.token;

  /** True while the token is good, so that an address with it will be answered. */
  isFresh(): boolean {
    return Date.now() < this.endsAt;
  }

  /** To be called before a request: a token that is about to end is renewed first. */
  async ready(): Promise<void> {
    if (this.key !== null && Date.now() >= this.renewAt) await this.renew(this.key);
  }

  /** The server refused `used`, a token or nothing; true if there is another one to try with. */
  async refused(used: string): Promise<boolean> {
    if (this.key === null) {
      this.change({ ...this.state, wanted: true });
      return false;
    }
    if (this.token !== used) return true;
    return (await this.renew(this.key)) === "granted";
  }

  /** Tries a key that somebody entered; true if it opens the server. */
  async enter(text: string): Promise<boolean> {
    const key = text.trim();
    if (!SENDABLE.test(key)) {
      this.change({ wanted: true, problem: "wrong", detail: "" });
      return false;
    }
    const outcome = await this.renew(key);
    if (outcome === "granted" || outcome === "not_needed") return true;
    this.change({ wanted: true, problem: outcome, detail: this.failure });
    return false;
  }

  private renew(key: string): Promise<Outcome> {
    this.renewing ??= this.ask(key).finally(() => {
      this.renewing = null;
    });
    return this.renewing;
  }

  private async ask(key: string): Promise<Outcome> {
    try {
      this.take(key, await this.exchange(key));
      return "granted";
    } catch (error) {
      this.failure = errorDetail(error);
      const outcome = outcomeOf(error);
      if (outcome === "wrong" || outcome === "not_needed") this.forget();
      if (outcome === "wrong") this.change({ wanted: true, problem: "wrong", detail: this.failure });
      if (outcome === "not_needed") this.change(calm);
      // What may pass is tried again, also when nobody asks for anything: an event stream may need it.
      if (this.key !== null) this.schedule(RETRY_MS);
      return outcome;
    }
  }

  private take(key: string, { token, seconds }: Grant): void {
    const lasts = seconds * 1_000;
    const wait = lasts - Math.min(RENEW_AT_MOST_MS, lasts * RENEW_SHARE);
    this.key = key;
    this.token = token;
    this.endsAt = Date.now() + lasts;
    this.renewAt = Date.now() + wait;
    this.place.keep(key);
    this.schedule(wait);
    this.change(calm);
  }

  private forget(): void {
    clearTimeout(this.timer);
    this.key = null;
    this.token = "";
    this.endsAt = 0;
    this.place.keep(null);
  }

  private schedule(wait: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      // Without a look at the clock: a timer may come a moment before its time, and there is no other one.
      if (this.key !== null) void this.renew(this.key);
    }, wait);
  }

  private change(state: AccessState): void {
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}

function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof ApiError)) return "refused";
  switch (error.status) {
    case 0:
      return "unreachable";
    case 401:
      return "wrong";
    // The server asks for no key any more.
    case 409:
      return "not_needed";
    default:
      return "refused";
  }
}
