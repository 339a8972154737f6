/** Who there is to talk to, and what people want to know of each: asked for when it is first looked at. */

import { type ApiClient, type NewPerson, errorDetail } from "../api/client";
import type { AvatarManifest, AvatarSummary, MadeAvatar, VoiceItem } from "../api/types";

export interface Profile {
  /** Codes of the languages that the character speaks; empty when its bundle does not say. */
  languages: string[];
  /** Voice ids by language code. */
  voices: Record<string, string>;
}

export interface CastState {
  /** The newest list, or null while nobody has asked for one. */
  avatars: AvatarSummary[] | null;
  profiles: Record<string, Profile>;
  voices: VoiceItem[];
  /** Why the list could not be renewed, or null. */
  failure: string | null;
}

type Client = Pick<ApiClient, "avatars" | "avatar" | "voices" | "makeAvatar" | "deleteAvatar">;

export class Cast {
  private state: CastState = { avatars: null, profiles: {}, voices: [], failure: null };
  private readonly listeners = new Set<() => void>();
  /** Requests that were answered or are under way; one that failed may be made again. */
  private readonly asked = new Set<string>();

  constructor(private readonly client: Client) {}

  readonly getState = (): CastState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Asks who there is now, and for whatever is not known yet of them, or of `known` if no list comes. */
  async renew(known: readonly AvatarSummary[]): Promise<void> {
    await this.once("avatars", async () => {
      try {
        const avatars = await this.client.avatars();
        this.change({ avatars, failure: null });
      } catch (error) {
        this.change({ failure: errorDetail(error) });
      }
    });
    this.asked.delete("avatars");
    const people = this.state.avatars ?? known;
    await Promise.all([this.hear(), ...people.map(({ id }) => this.meet(id))]);
  }

  /** Asks for the profile of one character, unless it is known. */
  async meet(id: string): Promise<void> {
    await this.once(`avatar ${id}`, async () => {
      const profile = profileOf(await this.client.avatar(id));
      this.change({ profiles: { ...this.state.profiles, [id]: profile } });
    });
  }

  /** Has a character made from a photo; `known` are the ones that the page knows of. */
  async make(person: NewPerson, known: readonly AvatarSummary[], signal: AbortSignal): Promise<MadeAvatar> {
    const made = await this.client.makeAvatar(person, signal);
    this.change({ avatars: [...(this.state.avatars ?? known).filter(({ id }) => id !== made.id), made] });
    void this.meet(made.id);
    return made;
  }

  /** Deletes a custom character for good. */
  async remove(avatarId: string, known: readonly AvatarSummary[]): Promise<void> {
    await this.client.deleteAvatar(avatarId);
    this.change({ avatars: (this.state.avatars ?? known).filter(({ id }) => id !== avatarId) });
  }

  private async hear(): Promise<void> {
    await this.once("voices", async () => {
      this.change({ voices: await this.client.voices() });
    });
  }

  private async once(name: string, ask: () => Promise<void>): Promise<void> {
    if (this.asked.has(name)) return;
    this.asked.add(name);
    try {
      await ask();
    } catch {
      // A tile without its line still shows face and name; the next look asks again.
      this.asked.delete(name);
    }
  }

  private change(changes: Partial<CastState>): void {
    this.state = { ...this.state, ...changes };
    for (const listener of this.listeners) listener();
  }
}

/** What a bundle says to people, out of whatever it says. */
export function profileOf({ metadata }: Pick<AvatarManifest, "metadata">): Profile {
  const voices = Object.fromEntries(
    Object.entries(isRecord(metadata["voices"]) ? metadata["voices"] : {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );
  const listed: unknown[] = Array.isArray(metadata["languages"]) ? metadata["languages"] : Object.keys(voices);
  return { languages: listed.filter((code) => typeof code === "string"), voices };
}

/** The name of the voice that speaks a language for this character; null if the server does not have it. */
export function voiceName(profile: Profile, voices: readonly VoiceItem[], language: string): string | null {
  const id = profile.voices[language] ?? Object.values(profile.voices)[0];
  const voice = voices.find((candidate) => candidate.voice_id === id);
  // The languages are told beside it: "Joe (en-US)" is Joe.
  return voice ? voice.display_label.replace(/\s*[(（][^()（）]*[)）]$/u, "") : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
