import { ApiError, Http } from "../client";
import type { AvatarManifest, AvatarSummary, Health, MadeAvatar, ModelList, SdpAnswer, SessionCreated, TurnAccepted, VoiceItem } from "./types";

export { ApiError } from "../client";

const SHORT_TIMEOUT_MS = 15_000;
/** An offer may wait 30 s on the server while a session is still loading. */
const OFFER_TIMEOUT_MS = 40_000;
/** A photo is uploaded, studied and prepared, after others that came before it. */
const MAKE_TIMEOUT_MS = 180_000;

/** A character to be made from a photo. */
export interface NewPerson {
  photo: Blob;
  name: string;
  /** Whose voices it gets. */
  baseId: string;
  /** The person in the photo has agreed. */
  consent: boolean;
}

/** The words of any thrown value, for the unfolded detail of a notice. */
export function errorDetail(error: unknown): string {
  if (error instanceof ApiError) return error.status ? `HTTP ${error.status}: ${error.detail}` : error.detail;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** What the page asks of its server. */
export class ApiClient {
  private readonly http: Http;

  constructor(private readonly base: string = document.baseURI) {
    this.http = new Http(new URL(".", base).href);
  }

  /** Absolute address of an API path given without a leading slash. */
  url(path: string): string {
    return new URL(path, this.base).href;
  }

  avatars = (): Promise<AvatarSummary[]> => this.http.call("get", "/avatars", { timeoutMs: SHORT_TIMEOUT_MS });
  models = (): Promise<ModelList> => this.http.call("get", "/models", { timeoutMs: SHORT_TIMEOUT_MS });
  health = (): Promise<Health> => this.http.call("get", "/health", { timeoutMs: SHORT_TIMEOUT_MS });

  avatar = (avatarId: string): Promise<AvatarManifest> =>
    this.http.call("get", "/avatars/{avatar_id}", { path: { avatar_id: avatarId }, timeoutMs: SHORT_TIMEOUT_MS });

  /** Resolves when the character is ready for its first session. A photo with a small face is cut to it. */
  makeAvatar({ photo, name, baseId, consent }: NewPerson, signal: AbortSignal): Promise<MadeAvatar> {
    const form = { image: photo, name, base_avatar_id: baseId, crop: true, ...(consent ? { consent: "true" } : {}) };
    return this.http.call("post", "/avatars/custom", { form, timeoutMs: MAKE_TIMEOUT_MS, signal });
  }

  /** Deletes a custom character; one that is gone already is deleted, too. */
  async deleteAvatar(avatarId: string): Promise<void> {
    try {
      await this.http.call("delete", "/avatars/{avatar_id}", { path: { avatar_id: avatarId }, timeoutMs: SHORT_TIMEOUT_MS });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
  }

  async voices(): Promise<VoiceItem[]> {
    const { items } = await this.http.call("get", "/voices", { timeoutMs: SHORT_TIMEOUT_MS });
    return items;
  }

  previewUrl = (avatarId: string): string => this.url(`avatars/${encodeURIComponent(avatarId)}/preview`);

  eventsUrl(sessionId: string): string {
    return this.url(`sessions/${encodeURIComponent(sessionId)}/events`);
  }

  createSession(avatarId: string, model: string): Promise<SessionCreated> {
    return this.http.call("post", "/sessions", { json: { avatar_id: avatarId, model } });
  }

  /** True while the server knows the session, false when it is gone. */
  async sessionExists(sessionId: string): Promise<boolean> {
    try {
      await this.http.call("get", "/sessions/{session_id}", { ...session(sessionId), timeoutMs: SHORT_TIMEOUT_MS });
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  }

  offer(sessionId: string, sdp: string): Promise<SdpAnswer> {
    const json = { sdp, type: "offer" } as const;
    return this.http.call("post", "/sessions/{session_id}/webrtc/offer", { ...session(sessionId), json, timeoutMs: OFFER_TIMEOUT_MS });
  }

  chat(sessionId: string, prompt: string): Promise<TurnAccepted> {
    return this.http.call("post", "/sessions/{session_id}/chat", { ...session(sessionId), json: { prompt }, timeoutMs: SHORT_TIMEOUT_MS });
  }

  speak(sessionId: string, text: string): Promise<TurnAccepted> {
    return this.http.call("post", "/sessions/{session_id}/speak", { ...session(sessionId), json: { text }, timeoutMs: SHORT_TIMEOUT_MS });
  }

  async interrupt(sessionId: string): Promise<void> {
    await this.http.call("post", "/sessions/{session_id}/interrupt", { ...session(sessionId), json: {}, timeoutMs: SHORT_TIMEOUT_MS });
  }

  /** Ends the session; also safe while the page is being closed. */
  async deleteSession(sessionId: string): Promise<void> {
    await this.http.call("delete", "/sessions/{session_id}", { ...session(sessionId), keepalive: true, timeoutMs: SHORT_TIMEOUT_MS });
  }
}

function session(sessionId: string): { path: { session_id: string } } {
  return { path: { session_id: sessionId } };
}
