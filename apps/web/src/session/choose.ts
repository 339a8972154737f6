/** Which avatar and which model a visit begins with. */

import type { AvatarSummary, ModelList } from "../api/types";

export interface Wishes {
  avatar: string | null;
  model: string | null;
  /** The character whom this browser chose last; a wish goes before it. */
  lastAvatar: string | null;
}

const DEMO_AVATAR = "demo-avatar";

export function readWishes(search: string, lastAvatar: string | null): Wishes & { autostart: boolean } {
  const params = new URLSearchParams(search);
  return { avatar: params.get("avatar"), model: params.get("model"), lastAvatar, autostart: params.get("autostart") === "1" };
}

/** The wished avatar if there is one of that name, else the last one chosen, the demo, or any. */
export function chooseAvatar(avatars: AvatarSummary[], { avatar, lastAvatar }: Wishes): AvatarSummary | null {
  const byId = (id: string | null): AvatarSummary | undefined => avatars.find((candidate) => candidate.id === id);
  return byId(avatar) ?? byId(lastAvatar) ?? byId(DEMO_AVATAR) ?? avatars[0] ?? null;
}

/** The page's address after a choice: a wish for an avatar in it names the one that was chosen. */
export function searchAfterChoice(search: string, avatarId: string): string {
  const params = new URLSearchParams(search);
  if (!params.has("avatar")) return search;
  params.set("avatar", avatarId);
  return `?${params.toString()}`;
}

/** The wished model if it is connected, else the server's default, else any that is. */
export function chooseModel(models: ModelList, wished: string | null): string | null {
  const connected = new Set(models.statuses.filter((status) => status.connected).map((status) => status.id));
  return [wished, models.default_model, ...models.models].find((id) => id !== null && connected.has(id)) ?? null;
}
