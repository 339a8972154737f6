/** Which avatar and which model a visit begins with. */

import type { AvatarSummary, ModelList } from "../api/types";

export interface Wishes {
  avatar: string | null;
  model: string | null;
}

const DEMO_AVATAR = "demo-avatar";

export function readWishes(search: string): Wishes & { autostart: boolean } {
  const params = new URLSearchParams(search);
  return { avatar: params.get("avatar"), model: params.get("model"), autostart: params.get("autostart") === "1" };
}

export function chooseAvatar(avatars: AvatarSummary[], wished: string | null): AvatarSummary | null {
  const byId = (id: string | null): AvatarSummary | undefined => avatars.find((avatar) => avatar.id === id);
  return byId(wished) ?? byId(DEMO_AVATAR) ?? avatars[0] ?? null;
}

/** The wished model if it is connected, else the server's default, else any that is. */
export function chooseModel(models: ModelList, wished: string | null): string | null {
  const connected = new Set(models.statuses.filter((status) => status.connected).map((status) => status.id));
  return [wished, models.default_model, ...models.models].find((id) => id !== null && connected.has(id)) ?? null;
}
