import { type Answer, type Arguments, Http, type Method, type PathOf } from "../client";
import { keepForTab, recallForTab } from "../storage";
import { Access, type Grant, type KeyPlace } from "./access";
import { ApiError } from "./errors";
import type { AvatarManifest, AvatarSummary, Health, MadeAvatar, ModelList, SdpAnswer, SessionCreated, TurnAccepted, VoiceItem } from "./types";

export { ApiError, errorDetail } from "./errors";

const SHORT_TIMEOUT_MS = 15_000;
/** An offer may wait 30 s on the server while a session is still loading. */
const OFFER_TIMEOUT_MS = 40_000;
/** A photo is uploaded, studied and prepared, after others that came before it. */
const MAKE_TIMEOUT_MS = 180_000;

/** How the server listens; what is not named stays. */
export interface Listening {
  turn_taking?: "auto" | "push_to_talk" | "off";
  talking?: boolean;
}

/** A character to be made from a photo. */
export interface NewPerson {
  photo: Blob;
  name: string;
  /** Whose voices it gets. */
  baseId: string;
  /** The person in the photo has agreed. */
  consent: boolean;
}

const thisTab: KeyPlace = {
  recall: () => recallForTab("key"),
  keep: (key) => {
    keepForTab("key", key);
  },
};

/** What the page asks of its server. */
export class ApiClient {
  readonly access: Access;
  private readonly http: Http;
  /** Addresses of pictures with a token in them: as long as it is good, a picture keeps its address. */
  private readonly pictures = new Map<string, string>();

  constructor(page: string = document.baseURI) {
    const root = new URL(".", page).href;
    this.access = new Access((key) => this.exchange(root, key), thisTab);
    this.http = new Http(root, this.access.credential);
  }

  private async exchange(root: string, key: string): Promise<Grant> {
    const { access_token, expires_in } = await new Http(root, key).call("post", "/auth/token", { json: {}, timeoutMs: SHORT_TIMEOUT_MS });
    return { token: access_token, seconds: expires_in };
  }

  /** One call; where the server asks for a key, with a token, and once more with a new one if that has ended. */
  private async call<M extends Method, P extends PathOf<M>>(method: M, path: P, ...given: Arguments<M, P>): Promise<Answer<M, P>> {
    const send = (): Promise<Answer<M, P>> => this.http.call(method, path, ...given);
    await this.access.ready();
    const used = this.access.credential();
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401 || !(await this.access.refused(used))) throw error;
      return send();
    }
  }

  avatars = (): Promise<AvatarSummary[]> => this.call("get", "/avatars", { timeoutMs: SHORT_TIMEOUT_MS });
  models = (): Promise<ModelList> => this.call("get", "/models", { timeoutMs: SHORT_TIMEOUT_MS });
  health = (): Promise<Health> => this.call("get", "/health", { timeoutMs: SHORT_TIMEOUT_MS });

  avatar = (avatarId: string): Promise<AvatarManifest> =>
    this.call("get", "/avatars/{avatar_id}", { path: { avatar_id: avatarId }, timeoutMs: SHORT_TIMEOUT_MS });

  /** Resolves when the character is ready for its first session. A photo with a small face is cut to it. */
  makeAvatar({ photo, name, baseId, consent }: NewPerson, signal: AbortSignal): Promise<MadeAvatar> {
    const form = { image: photo, name, base_avatar_id: baseId, crop: true, ...(consent ? { consent: "true" } : {}) };
    return this.call("post", "/avatars/custom", { form, timeoutMs: MAKE_TIMEOUT_MS, signal });
  }

  /** Deletes a custom character; one that is gone already is deleted, too. */
  async deleteAvatar(avatarId: string): Promise<void> {
    try {
      await this.call("delete", "/avatars/{avatar_id}", { path: { avatar_id: avatarId }, timeoutMs: SHORT_TIMEOUT_MS });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
  }

  async voices(): Promise<VoiceItem[]> {
    const { items } = await this.call("get", "/voices", { timeoutMs: SHORT_TIMEOUT_MS });
    return items;
  }

  previewUrl = (avatarId: string): string => {
    const known = this.pictures.get(avatarId);
    if (known && this.access.isFresh()) return known;
    const address = this.http.urlWithToken("/avatars/{avatar_id}/preview", { avatar_id: avatarId }).href;
    if (this.access.isFresh()) this.pictures.set(avatarId, address);
    return address;
  };

  eventsUrl(sessionId: string): string {
    return this.http.urlWithToken("/sessions/{session_id}/events", { session_id: sessionId }).href;
  }

  createSession(avatarId: string, model: string): Promise<SessionCreated> {
    return this.call("post", "/sessions", { json: { avatar_id: avatarId, model } });
  }

  /** True while the server knows the session, false when it is gone. */
  async sessionExists(sessionId: string): Promise<boolean> {
    try {
      await this.call("get", "/sessions/{session_id}", { ...session(sessionId), timeoutMs: SHORT_TIMEOUT_MS });
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  }

  offer(sessionId: string, sdp: string): Promise<SdpAnswer> {
    const json = { sdp, type: "offer" } as const;
    return this.call("post", "/sessions/{session_id}/webrtc/offer", { ...session(sessionId), json, timeoutMs: OFFER_TIMEOUT_MS });
  }

  chat(sessionId: string, prompt: string): Promise<TurnAccepted> {
    return this.call("post", "/sessions/{session_id}/chat", { ...session(sessionId), json: { prompt }, timeoutMs: SHORT_TIMEOUT_MS });
  }

  speak(sessionId: string, text: string): Promise<TurnAccepted> {
    return this.call("post", "/sessions/{session_id}/speak", { ...session(sessionId), json: { text }, timeoutMs: SHORT_TIMEOUT_MS });
  }

  async interrupt(sessionId: string): Promise<void> {
    await this.call("post", "/sessions/{session_id}/interrupt", { ...session(sessionId), json: {}, timeoutMs: SHORT_TIMEOUT_MS });
  }

  /** Says how the server is to listen to the microphone, and with push-to-talk when somebody talks. */
  async listen(sessionId: string, wish: Listening): Promise<void> {
    await this.call("post", "/sessions/{session_id}/listening", { ...session(sessionId), json: wish, timeoutMs: SHORT_TIMEOUT_MS });
  }

  /** Tells after how long an interrupted turn was silent here. */
  async reportPlayout(sessionId: string, turnId: string, silentAfterMs: number): Promise<void> {
    const json = { turn_id: turnId, silent_after_ms: silentAfterMs };
    await this.call("post", "/sessions/{session_id}/playout", { ...session(sessionId), json, timeoutMs: SHORT_TIMEOUT_MS });
  }

  /** Ends the session; also safe while the page is being closed. */
  async deleteSession(sessionId: string): Promise<void> {
    await this.call("delete", "/sessions/{session_id}", { ...session(sessionId), keepalive: true, timeoutMs: SHORT_TIMEOUT_MS });
  }
}

function session(sessionId: string): { path: { session_id: string } } {
  return { path: { session_id: sessionId } };
}
