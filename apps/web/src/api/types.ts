/** The shapes of the HTTP API that this page uses, out of the types generated from `openapi.json`. */

import type { paths } from "./schema";

interface Answered<Body> {
  responses: { 200: { content: { "application/json": Body } } };
}
type Answer<Operation> = Operation extends Answered<infer Body> ? Body : never;

type Get<Path extends keyof paths> = Answer<paths[Path]["get"]>;
type Post<Path extends keyof paths> = Answer<paths[Path]["post"]>;

export type AvatarSummary = Get<"/avatars">[number];
export type AvatarManifest = Get<"/avatars/{avatar_id}">;
export type VoiceItem = Get<"/voices">["items"][number];
export type ModelList = Get<"/models">;
export type Health = Get<"/health">;
export type SessionCreated = Post<"/sessions">;
export type TurnAccepted = Post<"/sessions/{session_id}/chat">;
export type SdpAnswer = Post<"/sessions/{session_id}/webrtc/offer">;
