import type { AvatarManifest, AvatarSummary, Health, ModelList, SdpAnswer, SessionCreated, TurnAccepted, VoiceItem } from "./types";

const SHORT_TIMEOUT_MS = 15_000;
/** An offer may wait 30 s on the server while a session is still loading. */
const OFFER_TIMEOUT_MS = 40_000;

/** A call that did not succeed. `status` is 0 when no answer came at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(detail);
    this.name = "ApiError";
  }
}

/** The words of any thrown value, for the unfolded detail of a notice. */
export function errorDetail(error: unknown): string {
  if (error instanceof ApiError) return error.status ? `HTTP ${error.status}: ${error.detail}` : error.detail;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

interface CallOptions {
  method?: "GET" | "POST" | "DELETE";
  body?: Record<string, unknown>;
  timeoutMs?: number;
  keepalive?: boolean;
}

export class ApiClient {
  constructor(private readonly base: string = document.baseURI) {}

  /** Absolute address of an API path given without a leading slash. */
  url(path: string): string {
    return new URL(path, this.base).href;
  }

  avatars = (): Promise<AvatarSummary[]> => this.call("avatars");
  models = (): Promise<ModelList> => this.call("models");
  health = (): Promise<Health> => this.call("health");

  avatar = (avatarId: string): Promise<AvatarManifest> => this.call(avatarPath(avatarId));

  async voices(): Promise<VoiceItem[]> {
    const { items } = await this.call<{ items: VoiceItem[] }>("voices");
    return items;
  }

  previewUrl = (avatarId: string): string => this.url(`${avatarPath(avatarId)}/preview`);

  eventsUrl(sessionId: string): string {
    return this.url(`${sessionPath(sessionId)}/events`);
  }

  createSession(avatarId: string, model: string): Promise<SessionCreated> {
    return this.call("sessions", { method: "POST", body: { avatar_id: avatarId, model }, timeoutMs: 30_000 });
  }

  /** True while the server knows the session, false when it is gone. */
  async sessionExists(sessionId: string): Promise<boolean> {
    try {
      await this.call(sessionPath(sessionId));
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  }

  offer(sessionId: string, sdp: string): Promise<SdpAnswer> {
    const body = { sdp, type: "offer" };
    return this.call(`${sessionPath(sessionId)}/webrtc/offer`, { method: "POST", body, timeoutMs: OFFER_TIMEOUT_MS });
  }

  chat(sessionId: string, prompt: string): Promise<TurnAccepted> {
    return this.call(`${sessionPath(sessionId)}/chat`, { method: "POST", body: { prompt } });
  }

  speak(sessionId: string, text: string): Promise<TurnAccepted> {
    return this.call(`${sessionPath(sessionId)}/speak`, { method: "POST", body: { text } });
  }

  async interrupt(sessionId: string): Promise<void> {
    await this.call(`${sessionPath(sessionId)}/interrupt`, { method: "POST", body: {} });
  }

  /** Ends the session; also safe while the page is being closed. */
  async deleteSession(sessionId: string): Promise<void> {
    await this.call(sessionPath(sessionId), { method: "DELETE", keepalive: true });
  }

  private async call<T>(path: string, options: CallOptions = {}): Promise<T> {
    const init: RequestInit = {
      method: options.method ?? "GET",
      keepalive: options.keepalive ?? false,
      signal: AbortSignal.timeout(options.timeoutMs ?? SHORT_TIMEOUT_MS),
    };
    if (options.body) {
      init.headers = { "Content-Type": "application/json" };
      init.body = JSON.stringify(options.body);
    }
    let response: Response;
    try {
      response = await fetch(this.url(path), init);
    } catch (error) {
      throw new ApiError(0, errorDetail(error));
    }
    if (!response.ok) throw await failure(response);
    try {
      return (await response.json()) as T;
    } catch (error) {
      throw new ApiError(0, `${path}: ${errorDetail(error)}`);
    }
  }
}

function avatarPath(avatarId: string): string {
  return `avatars/${encodeURIComponent(avatarId)}`;
}

function sessionPath(sessionId: string): string {
  return `sessions/${encodeURIComponent(sessionId)}`;
}

async function failure(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  const retryAfter = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new ApiError(response.status, detailOf(text) || response.statusText, Number.isFinite(retryAfter) ? retryAfter : null);
}

function detailOf(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && "detail" in body && typeof body.detail === "string") return body.detail;
  } catch {
    // A proxy may answer with HTML: its beginning is all there is to show.
  }
  return text.slice(0, 300);
}
