import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Access, type Grant } from "./access";
import { ApiClient, ApiError } from "./client";

const KEY = "key-of-sixteen-characters";
const health = { status: "ok" };

/** A server with keys, as the browser's fetch sees it. */
class Server {
  key: string | null = KEY;
  lasts = 900;
  down = false;
  tokens: string[] = [];
  /** Tokens that the server takes; a restart empties it. */
  good = new Set<string>();
  requests: { path: string; credential: string; address: string }[] = [];

  readonly fetch = (url: URL, init: RequestInit): Promise<Response> => {
    const credential = (init.headers as Record<string, string>)["Authorization"]?.replace("Bearer ", "") ?? "";
    this.requests.push({ path: url.pathname, credential, address: url.href });
    if (this.down) return Promise.reject(new TypeError("Failed to fetch"));
    if (url.pathname === "/auth/token") return Promise.resolve(this.token(credential));
    return Promise.resolve(this.key === null || this.good.has(credential) ? Response.json(health) : refusal(401));
  };

  paths(): string[] {
    return this.requests.map(({ path }) => path);
  }

  private token(credential: string): Response {
    if (this.key === null) return refusal(409);
    if (credential !== this.key) return refusal(401);
    const token = `token-${String(this.tokens.length + 1)}`;
    this.tokens.push(token);
    this.good.add(token);
    return Response.json({ access_token: token, token_type: "bearer", expires_in: this.lasts, session_id: null });
  }
}

const refusal = (status: number): Response => Response.json({ detail: "no" }, { status });

let server: Server;
let client: ApiClient;
beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
  localStorage.clear();
  server = new Server();
  vi.stubGlobal("fetch", server.fetch);
  client = new ApiClient("http://server/");
});
afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a server that asks for a key", () => {
  it("makes the page ask for one", async () => {
    expect(client.access.getState().wanted).toBe(false);
    await expect(client.health()).rejects.toMatchObject({ status: 401 });
    expect(client.access.getState()).toEqual({ wanted: true, problem: null, detail: "" });
  });

  it("takes the key once, and tokens from then on", async () => {
    expect(await client.access.enter(` ${KEY}\n`)).toBe(true);
    expect(client.access.getState().wanted).toBe(false);
    expect(await client.health()).toEqual(health);
    expect(server.requests.map(({ path, credential }) => [path, credential])).toEqual([
      ["/auth/token", KEY],
      ["/health", "token-1"],
    ]);
  });

  it("never sees the key in an address, and this browser keeps it for the tab only", async () => {
    await client.access.enter(KEY);
    await client.health();
    const addresses = [client.eventsUrl("s"), client.previewUrl("demo-avatar"), ...server.requests.map(({ address }) => address)];
    expect(addresses.filter((address) => address.includes(KEY))).toEqual([]);
    expect(addresses.slice(0, 2)).toEqual([
      "http://server/sessions/s/events?access_token=token-1",
      "http://server/avatars/demo-avatar/preview?access_token=token-1",
    ]);
    expect([JSON.stringify(localStorage), sessionStorage.getItem("opentalking.key")]).toEqual(["{}", KEY]);
  });

  it("needs no second question after a reload", async () => {
    await client.access.enter(KEY);
    const reloaded = new ApiClient("http://server/");
    expect(await reloaded.health()).toEqual(health);
    expect(reloaded.access.getState().wanted).toBe(false);
  });

  it.each(["wrong-key-of-some-length", "schlüssel", "two words"])("says that %j is wrong", async (key) => {
    expect(await client.access.enter(key)).toBe(false);
    expect(client.access.getState()).toMatchObject({ wanted: true, problem: "wrong" });
    expect(sessionStorage.getItem("opentalking.key")).toBeNull();
  });

  it("says that it cannot be reached", async () => {
    server.down = true;
    expect(await client.access.enter(KEY)).toBe(false);
    expect(client.access.getState()).toMatchObject({ wanted: true, problem: "unreachable" });
  });

  it("gives a new token before the old one ends, also while nothing is asked", async () => {
    await client.access.enter(KEY);
    await vi.advanceTimersByTimeAsync(839_000);
    expect(server.tokens).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(server.tokens).toHaveLength(2);
    expect(client.eventsUrl("s")).toContain("token-2");
  });

  it("gives a new token even when its timer comes before the clock says so", async () => {
    await client.access.enter(KEY);
    vi.setSystemTime(Date.now() - 5_000);
    await vi.advanceTimersByTimeAsync(841_000);
    expect(server.tokens).toHaveLength(2);
  });

  it("gives a new token to a computer that slept through the end of the old one", async () => {
    await client.access.enter(KEY);
    vi.setSystemTime(Date.now() + 3_600_000);
    server.good.clear();
    expect(await client.health()).toEqual(health);
    expect(server.paths()).toEqual(["/auth/token", "/auth/token", "/health"]);
  });

  it("gives a new token after a restart, once for all who were refused", async () => {
    await client.access.enter(KEY);
    server.good.clear();
    expect(await Promise.all([client.health(), client.models(), client.avatars()])).toEqual([health, health, health]);
    expect(server.tokens).toHaveLength(2);
  });

  it("tries again when a renewal does not come through", async () => {
    await client.access.enter(KEY);
    server.down = true;
    await vi.advanceTimersByTimeAsync(845_000);
    expect([server.tokens.length, client.access.getState().wanted]).toEqual([1, false]);
    server.down = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(server.tokens).toHaveLength(2);
  });

  it("makes the page ask again when the key was taken out", async () => {
    await client.access.enter(KEY);
    server.key = "another-key-of-some-length";
    server.good.clear();
    await expect(client.health()).rejects.toBeInstanceOf(ApiError);
    expect(client.access.getState()).toMatchObject({ wanted: true, problem: "wrong" });
    expect([sessionStorage.getItem("opentalking.key"), client.access.credential()]).toEqual([null, ""]);
  });

  it("keeps the address of a picture while its token is good", async () => {
    await client.access.enter(KEY);
    const first = client.previewUrl("zoe");
    await vi.advanceTimersByTimeAsync(845_000);
    expect([client.access.credential(), client.previewUrl("zoe")]).toEqual(["token-2", first]);
    expect(client.previewUrl("mia")).toContain("token-2");
  });
});

describe("a server without keys", () => {
  it("gets no credentials, and forgets a key of earlier", async () => {
    sessionStorage.setItem("opentalking.key", KEY);
    server.key = null;
    const returning = new ApiClient("http://server/");
    expect(await returning.health()).toEqual(health);
    await returning.health();
    expect(server.paths()).toEqual(["/auth/token", "/health", "/health"]);
    expect(server.requests.slice(1).map(({ credential }) => credential)).toEqual(["", ""]);
    expect([returning.eventsUrl("s"), sessionStorage.getItem("opentalking.key")]).toEqual(["http://server/sessions/s/events", null]);
  });
});

describe("Access", () => {
  it("asks for one token at a time", async () => {
    const asked: string[] = [];
    const exchange = (key: string): Promise<Grant> => {
      asked.push(key);
      return Promise.resolve({ token: "t", seconds: 30 });
    };
    const access = new Access(exchange, { recall: () => KEY, keep: () => undefined });
    await Promise.all([access.ready(), access.ready(), access.refused("")]);
    expect([asked, access.credential()]).toEqual([[KEY], "t"]);
  });
});
