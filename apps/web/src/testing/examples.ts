/** Complete answers of the API for tests, to be varied with a spread. */

import type { AvatarSummary, Health, ModelList } from "../api/types";

export const health: Health = {
  status: "ok",
  version: "0.1.0",
  stt_key_set: false,
  tts_key_set: true,
  llm_key_set: true,
  stt_provider: "local",
  tts_provider: "local",
  llm: { provider: "builtin", model: "SmolLM2-135M", demo: true },
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
