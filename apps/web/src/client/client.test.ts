import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from "vitest";
import { type Answer, ApiError, AudioStream, OpenTalking, type SessionEvent, StreamClosed } from "./index";
import { MessageParser } from "./events";

const server = new OpenTalking("http://host/api", "key");
const session = { path: { session_id: "s/1" } };
type Asked = { url: string; init: RequestInit };

/** Answers requests one after another; remembers them. */
function answering(...answers: (Response | Error)[]): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal("fetch", (url: URL, init: RequestInit) => {
    asked.push({ url: url.href, init });
    const answer = answers.shift() ?? new Error("not expected");
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  });
  return asked;
}

const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });

describe("types", () => {
  it("come from the document", () => {
    expectTypeOf<Answer<"post", "/sessions">["status"]>().toEqualTypeOf<"created" | "initializing" | "queued">();
    expectTypeOf<Answer<"post", "/tts/preview">>().toEqualTypeOf<Blob>();
    expectTypeOf<Answer<"post", "/sessions/{session_id}/listening">["turn_taking"]>().toEqualTypeOf<"auto" | "push_to_talk" | "off">();
    expectTypeOf<Answer<"get", "/avatars">[number]["width"]>().toEqualTypeOf<number>();
    expectTypeOf<Extract<SessionEvent, { type: "llm" }>["data"]["delta"]>().toEqualTypeOf<string>();
  });

  it("refuse what the document does not have", () => {
    const wrong = [
      // @ts-expect-error no such path
      () => server.call("get", "/nothing"),
      // @ts-expect-error no such method
      () => server.call("post", "/health"),
      // @ts-expect-error the path has a parameter
      () => server.call("get", "/sessions/{session_id}"),
      // @ts-expect-error a body is required
      () => server.call("post", "/sessions/{session_id}/chat", session),
      // @ts-expect-error a required field is missing
      () => server.call("post", "/sessions", { json: { avatar_id: "a" } }),
      // @ts-expect-error a field has another type
      () => server.call("post", "/sessions/{session_id}/speak", { ...session, json: { text: 5 } }),
      // @ts-expect-error no such way to take turns
      () => server.call("post", "/sessions/{session_id}/listening", { ...session, json: { turn_taking: "always" } }),
      // @ts-expect-error no such query parameter
      () => server.call("get", "/voices", { query: { provide: "local" } }),
    ];
    expect(wrong).toHaveLength(8);
  });
});

describe("calls", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("fill in paths, queries, keys and bodies", async () => {
    const asked = answering(json({ items: [] }), json({ session_id: "s", status: "queued", turn_id: "t" }));
    expect(await server.call("get", "/voices", { query: { provider: "a&b" } })).toEqual({ items: [] });
    await server.call("post", "/sessions/{session_id}/chat", { ...session, json: { prompt: "Hi" } });
    expect(asked.map(({ url }) => url)).toEqual(["http://host/api/voices?provider=a%26b", "http://host/api/sessions/s%2F1/chat"]);
    expect(asked[1]?.init).toMatchObject({
      method: "POST",
      body: '{"prompt":"Hi"}',
      headers: { Authorization: "Bearer key", "Content-Type": "application/json" },
    });
  });

  it("put a token where no header can be sent", () => {
    expect(server.urlWithToken("/sessions/{session_id}/speak_audio_stream", { session_id: "s" }).href).toBe(
      "http://host/api/sessions/s/speak_audio_stream?access_token=key",
    );
  });

  it("give sound as a blob", async () => {
    answering(new Response(new Uint8Array([82, 73]), { headers: { "Content-Type": "audio/wav" } }));
    const sound = await server.call("post", "/tts/preview", { json: { text: "Hi" } });
    expect([sound.size, sound.type]).toEqual([2, "audio/wav"]);
  });

  it("throw what the server says", async () => {
    answering(json({ detail: "the server is full" }, 503, { "Retry-After": "7" }), new Response("<h1>no</h1>", { status: 502 }), new TypeError("refused"));
    const failures: ApiError[] = [];
    for (let call = 0; call < 3; call += 1) await server.call("get", "/health").catch((error: unknown) => failures.push(error as ApiError));
    expect(failures.every((error) => error instanceof ApiError)).toBe(true);
    expect(failures.map(({ status, detail, retryAfterSeconds }) => [status, detail, retryAfterSeconds])).toEqual([
      [503, "the server is full", 7],
      [502, "<h1>no</h1>", null],
      [0, "TypeError: refused", null],
    ]);
  });
});

describe("events", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  const stream = (text: string): Response => new Response(text);
  const message = (id: number, type: string, data: object): string => `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

  async function all(options = {}): Promise<string[]> {
    const seen: string[] = [];
    const reading = (async () => {
      for await (const event of server.events("s", options)) seen.push(`${event.id} ${event.type}`);
    })();
    await Promise.all([reading, vi.runAllTimersAsync()]);
    return seen;
  }

  it("go on behind the last one when the connection drops, until the session ends", async () => {
    const asked = answering(
      stream(`: connected\n\n${message(7, "llm", { delta: "Hi" })}id: 8\nevent: ll`),
      new TypeError("refused"),
      stream(message(8, "llm", { delta: "there" })),
      stream(message(9, "session.terminated", { reason: "deleted" })),
    );
    expect(await all({ lastEventId: "6" })).toEqual(["7 llm", "8 llm", "9 session.terminated"]);
    expect(asked.map(({ init }) => (init.headers as Record<string, string>)["Last-Event-ID"])).toEqual(["6", "7", "7", "8"]);
  });

  it("end when the session went meanwhile, and fail when it was never there", async () => {
    answering(stream(": connected\n\n"), json({ detail: "session not found" }, 404));
    expect(await all()).toEqual([]);
    answering(json({ detail: "session not found" }, 404));
    await expect(server.events("s").next()).rejects.toThrow("session not found");
  });

  it("fail in the end when the server stays away", async () => {
    answering();
    const failing = expect(server.events("s").next()).rejects.toThrow("not expected");
    await vi.runAllTimersAsync();
    await failing;
  });

  it("are the same however the bytes are cut", () => {
    const bytes = new TextEncoder().encode(`event: ping\r\ndata: {}\r\n\r\n${message(1, "llm", { delta: "你好" })}`);
    for (const size of [1, 2, 5, 100]) {
      const parser = new MessageParser();
      const found: unknown[] = [];
      for (let start = 0; start < bytes.length; start += size) found.push(...parser.feed(bytes.slice(start, start + size)));
      expect(found).toEqual([null, { type: "llm", id: "1", data: { delta: "你好" } }]);
    }
  });
});

/** A socket that the test drives by hand, as the browser would. */
class HandSocket extends EventTarget {
  binaryType = "";
  readyState = 0;
  bufferedAmount = 0;
  readonly sent: (string | number)[] = [];
  send(data: string | Uint8Array): void {
    this.sent.push(typeof data === "string" ? data : data.byteLength);
    if (data === '{"type":"config","sample_rate":16000}') this.says({ type: "ack" });
  }
  says(message: object): void {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }
  opens(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }
  close(code = 1000): void {
    this.readyState = 3;
    this.dispatchEvent(new CloseEvent("close", { code }));
  }
}

describe("audio streams", () => {
  async function opened(opening: Parameters<typeof AudioStream.open>[1]): Promise<[AudioStream, HandSocket, string]> {
    const socket = new HandSocket();
    let address = "";
    const opening_ = AudioStream.open(new URL("https://host/api/sessions/s/speak_audio_stream"), opening, (url) => {
      address = url;
      return socket as unknown as WebSocket;
    });
    socket.opens();
    return [await opening_, socket, address];
  }

  it("drive the face until all was played", async () => {
    const [stream, socket, address] = await opened({ type: "config", sample_rate: 16_000 });
    expect(address).toBe("wss://host/api/sessions/s/speak_audio_stream");
    await stream.send(new Int16Array(20_000));
    stream.interrupt();
    const finished = stream.finish();
    socket.close(1000);
    expect(await finished).toBeNull();
    expect(socket.sent).toEqual(['{"type":"config","sample_rate":16000}', 32_000, 8_000, '{"type":"interrupt"}', '{"type":"eos"}']);
  });

  it("give the answer that was queued", async () => {
    const [stream, socket] = await opened({ type: "meta", voice: "joe" });
    const finished = stream.finish();
    socket.says({ session_id: "s", status: "queued", text: "What is the time?" });
    socket.close(1000);
    expect((await finished)?.text).toBe("What is the time?");
    expect(socket.sent).toEqual(['{"type":"meta","voice":"joe"}', '{"type":"end"}']);
  });

  it("wait while the server has enough", async () => {
    const [stream, socket] = await opened({ type: "config", sample_rate: 16_000 });
    socket.bufferedAmount = 100_000;
    const sending = stream.send(new Uint8Array(4));
    await Promise.resolve();
    expect(socket.sent).toHaveLength(1);
    socket.bufferedAmount = 0;
    await sending;
    expect(socket.sent).toHaveLength(2);
  });

  it("throw what the server says when it closes", async () => {
    const refused = new HandSocket();
    const opening = AudioStream.open(new URL("http://host/x"), { type: "config", sample_rate: 16_000 }, () => refused as unknown as WebSocket);
    refused.says({ type: "error", code: "not_found", message: "session not found", error: "session not found" });
    refused.close(4004);
    await expect(opening).rejects.toThrow(new StreamClosed(4004, "not_found", "session not found"));

    const [stream, socket] = await opened({ type: "config", sample_rate: 16_000 });
    socket.says({ type: "error", code: "interrupted", message: "another turn took over", error: "" });
    socket.close(4409);
    await expect(stream.send(new Uint8Array(2))).rejects.toThrow("4409 another turn took over");
    await expect(stream.finish()).rejects.toThrow("4409 another turn took over");
  });
});
