import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ServerEvent, eventNames, parseEvent } from "./events";
import { EventStream } from "./stream";

/** A source that the test drives by hand; it speaks as the browser's EventSource does. */
class HandSource extends EventTarget {
  readyState = 0;
  constructor(readonly url: string) {
    super();
  }
  close(): void {
    this.readyState = 2;
  }
  opens(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }
  sends(name: string, id: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data), lastEventId: id }));
  }
  drops(forGood: boolean): void {
    this.readyState = forGood ? 2 : 0;
    this.dispatchEvent(new Event("error"));
  }
}

describe("parseEvent", () => {
  it("reads name, turn and payload", () => {
    expect(parseEvent("status", '{"session_id":"s","turn_id":"t","stage":"thinking","message":""}')).toEqual({
      name: "status",
      turnId: "t",
      data: { stage: "thinking", message: "" },
    });
  });

  it("reads the words of a caption and drops broken ones", () => {
    const raw = { text: "Hi all", is_final: true, start_ms: 5, end_ms: 9, words: [{ text: "Hi", start_ms: 5, end_ms: 7 }, { text: "" }, 3, null] };
    expect(parseEvent("subtitle.chunk", JSON.stringify(raw))).toEqual({
      name: "subtitle.chunk",
      turnId: null,
      data: { text: "Hi all", is_final: true, start_ms: 5, end_ms: 9, words: [{ text: "Hi", start_ms: 5, end_ms: 7 }] },
    });
  });

  it("gives every event a complete payload even if fields are missing or of another type", () => {
    for (const name of eventNames) {
      const event = parseEvent(name, '{"turn_id":4,"text":7,"words":"no","start_ms":"x"}');
      expect(event?.turnId).toBeNull();
      expect(Object.values(event?.data ?? {})).not.toContain(undefined);
    }
  });

  it.each(["", "not json", "[]", "null", "3"])("refuses %j", (raw) => {
    expect(parseEvent("error", raw)).toBeNull();
  });
});

describe("EventStream", () => {
  let sources: HandSource[];
  let received: ServerEvent[];
  let present: boolean | Error;
  let gone: number;
  let address: string;

  beforeEach(() => {
    vi.useFakeTimers();
    sources = [];
    received = [];
    present = true;
    gone = 0;
    address = "http://host/sessions/s/events";
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function open(): EventStream {
    return new EventStream(
      () => address,
      {
        onEvent: (event) => received.push(event),
        stillThere: () => (present instanceof Error ? Promise.reject(present) : Promise.resolve(present)),
        onGone: () => (gone += 1),
      },
      (url) => {
        const source = new HandSource(url);
        sources.push(source);
        return source as unknown as EventSource;
      },
    );
  }
  const source = (index: number): HandSource => {
    const found = sources[index];
    if (!found) throw new Error(`source ${String(index)} was not opened`);
    return found;
  };

  it("continues behind the last event when the browser gave up", async () => {
    open();
    source(0).opens();
    source(0).sends("speech.started", "41", { text: "Hi" });
    source(0).drops(true);
    await vi.advanceTimersByTimeAsync(600);
    expect(sources.map(({ url }) => url)).toEqual([
      "http://host/sessions/s/events",
      "http://host/sessions/s/events?last_event_id=41",
    ]);
    source(1).sends("speech.media_started", "42", {});
    expect(received.map(({ name }) => name)).toEqual(["speech.started", "speech.media_started"]);
  });

  it("asks for the address anew each time, because a token in it ends", async () => {
    address = "http://host/sessions/s/events?access_token=one";
    open();
    source(0).sends("speech.started", "7", { text: "Hi" });
    address = "http://host/sessions/s/events?access_token=two";
    source(0).drops(true);
    await vi.advanceTimersByTimeAsync(600);
    expect(sources.map(({ url }) => url)).toEqual([
      "http://host/sessions/s/events?access_token=one",
      "http://host/sessions/s/events?access_token=two&last_event_id=7",
    ]);
  });

  it("leaves a short drop to the browser, which resumes by itself", async () => {
    open();
    source(0).drops(false);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sources).toHaveLength(1);
  });

  it("tells an error event of the server from a drop of the connection", async () => {
    open();
    source(0).opens();
    source(0).sends("error", "7", { code: "llm_failed", message: "no" });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(received).toEqual([{ name: "error", turnId: null, data: { code: "llm_failed", message: "no" } }]);
    expect(sources).toHaveLength(1);
  });

  it("ends when the session is gone", async () => {
    open();
    present = false;
    source(0).drops(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([gone, sources.length]).toEqual([1, 1]);
  });

  it("tries on, ever more slowly, while the server is away", async () => {
    open();
    present = new Error("refused");
    for (const [index, delay] of [500, 1_000, 2_000, 4_000, 8_000, 8_000].entries()) {
      source(index).drops(true);
      await vi.advanceTimersByTimeAsync(delay - 1);
      expect(sources).toHaveLength(index + 1);
      await vi.advanceTimersByTimeAsync(1);
      expect(sources).toHaveLength(index + 2);
    }
    expect(gone).toBe(0);
  });

  it("replaces a connection that went silent, which pings prevent", async () => {
    open();
    source(0).opens();
    for (let ping = 0; ping < 5; ping += 1) {
      await vi.advanceTimersByTimeAsync(30_000);
      source(0).sends("ping", "", {});
    }
    expect(sources).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(76_000);
    expect(sources).toHaveLength(2);
  });

  it("is quiet after close", async () => {
    const stream = open();
    stream.close();
    source(0).sends("speech.started", "1", { text: "" });
    source(0).drops(true);
    await vi.advanceTimersByTimeAsync(100_000);
    expect([received, sources.length]).toEqual([[], 1]);
  });
});
