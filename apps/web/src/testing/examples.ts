/** Complete answers of the API for tests, to be varied with a spread. */

import type { AvatarManifest, AvatarSummary, Health, MadeAvatar, ModelList, VoiceItem } from "../api/types";

export const health: Health = {
  status: "ok",
  version: "0.1.0",
  stt_key_set: false,
  tts_key_set: true,
  llm_key_set: true,
  stt_provider: "local",
  tts_provider: "local",
  turn_detection: true,
  llm: { provider: "builtin", model: "SmolLM2-135M", demo: true },
  ai_label: "AI-generated",
  require_consent: false,
};

export const avatar: AvatarSummary = {
  id: "demo-avatar",
  name: "Demo",
  model_type: "portrait",
  width: 512,
  height: 640,
  is_custom: false,
};

/** A list in which the named models are connected and the others are not. */
export function modelList(ids: string[], connected: string[] = ids): ModelList {
  const statuses = ids.map((id): ModelList["statuses"][number] => {
    const there = connected.includes(id);
    return { id, backend: "local", connected: there, reason: there ? "local_runtime" : "weights_missing" };
  });
  return { models: ids, default_model: ids[0] ?? "", statuses };
}

export const manifest: AvatarManifest = {
  ...avatar,
  fps: 25,
  sample_rate: 16_000,
  version: "1",
  metadata: { languages: ["en", "zh"], voices: { en: "en_US-joe-medium", zh: "zf_xiaoxiao" } },
};

export const madeAvatar: MadeAvatar = {
  ...avatar,
  id: "custom-anna-20260131-120000-123",
  name: "Anna",
  is_custom: true,
  metadata: { custom_avatar: true, base_avatar_id: "demo-avatar", consent: "stated", animation: { mode: "face" } },
};

export const voice: VoiceItem = {
  id: 1,
  user_id: 1,
  provider: "local",
  voice_id: "en_US-joe-medium",
  display_label: "Joe (en-US)",
  target_model: null,
  source: "system",
  language: "en-US",
  gender: "male",
  engine: "piper",
  licence: "CC0-1.0 (data set)",
};
