/** The shapes of the HTTP API that this page uses, out of the types generated from `openapi.json`. */

import type { Answer } from "../client";

export type AvatarSummary = Answer<"get", "/avatars">[number];
export type AvatarManifest = Answer<"get", "/avatars/{avatar_id}">;
export type MadeAvatar = Answer<"post", "/avatars/custom">;
export type VoiceItem = Answer<"get", "/voices">["items"][number];
export type ModelList = Answer<"get", "/models">;
export type Health = Answer<"get", "/health">;
export type SessionCreated = Answer<"post", "/sessions">;
export type TurnAccepted = Answer<"post", "/sessions/{session_id}/chat">;
export type SdpAnswer = Answer<"post", "/sessions/{session_id}/webrtc/offer">;
