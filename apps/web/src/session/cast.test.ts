import { beforeEach, describe, expect, it } from "vitest";
import { ApiError } from "../api/client";
import type { AvatarManifest, VoiceItem } from "../api/types";
import { avatar, madeAvatar, manifest, voice } from "../testing/examples";
import { Cast, profileOf, voiceName } from "./cast";

const down = new ApiError(0, "connection refused");

/** A server in memory: it records the calls and answers as told. */
class World {
  calls: string[] = [];
  avatars = [avatar, { ...avatar, id: "zoe", name: "Zoe" }];
  down = false;
  listDown = false;
  readonly cast = new Cast({
    avatars: () => this.answer("avatars", this.avatars),
    avatar: (id: string) => this.answer<AvatarManifest>(id, { ...manifest, id }),
    voices: () => this.answer<VoiceItem[]>("voices", [voice]),
    makeAvatar: ({ name }) => this.answer(`make ${name}`, { ...madeAvatar, name }),
    deleteAvatar: (id) => this.answer(`delete ${id}`, undefined),
  });

  private answer<T>(call: string, value: T): Promise<T> {
    this.calls.push(call);
    return this.down || (this.listDown && call === "avatars") ? Promise.reject(down) : Promise.resolve(value);
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});

describe("the cast", () => {
  it("asks for each profile and for the voices once, and for the list each time", async () => {
    await world.cast.meet("demo-avatar");
    await world.cast.renew([avatar]);
    await world.cast.renew([avatar]);
    expect(world.calls.toSorted()).toEqual(["avatars", "avatars", "demo-avatar", "voices", "zoe"]);
    expect(Object.keys(world.cast.getState().profiles).toSorted()).toEqual(["demo-avatar", "zoe"]);
    expect(world.cast.getState().voices).toEqual([voice]);
  });

  it("does not ask twice for what is under way", async () => {
    await Promise.all([world.cast.renew([avatar]), world.cast.meet("zoe"), world.cast.renew([avatar])]);
    expect(world.calls.toSorted()).toEqual(["avatars", "demo-avatar", "voices", "zoe"]);
  });

  it("keeps what it knows when the server does not answer, says so, and asks again next time", async () => {
    await world.cast.renew([avatar]);
    world.down = true;
    await world.cast.renew([avatar]);
    const { avatars, failure } = world.cast.getState();
    expect([avatars, failure]).toEqual([world.avatars, "connection refused"]);
    world.down = false;
    world.avatars = [...world.avatars, { ...avatar, id: "new" }];
    await world.cast.renew([avatar]);
    expect(world.cast.getState()).toMatchObject({ avatars: world.avatars, failure: null });
    expect(world.cast.getState().profiles["new"]).toBeDefined();
  });

  it("has a newcomer at once, and one who was deleted no more", async () => {
    const names = (): string[] | undefined => world.cast.getState().avatars?.map(({ name }) => name);
    const wanted = { photo: new Blob(), name: "Anna", baseId: "zoe", consent: true };
    await world.cast.make(wanted, [avatar], new AbortController().signal);
    expect(names()).toEqual(["Demo", "Anna"]);
    expect(world.cast.getState().profiles[madeAvatar.id]).toBeDefined();
    await world.cast.remove(madeAvatar.id, [avatar]);
    expect(names()).toEqual(["Demo"]);
    expect(world.calls).toEqual(["make Anna", madeAvatar.id, `delete ${madeAvatar.id}`]);
  });

  it("keeps whom the server does not delete", async () => {
    await world.cast.renew([avatar]);
    world.down = true;
    await expect(world.cast.remove("zoe", [avatar])).rejects.toBe(down);
    expect(world.cast.getState().avatars).toEqual(world.avatars);
  });

  it("asks for those whom the page knows when there is no list at all", async () => {
    world.listDown = true;
    await world.cast.renew([avatar]);
    expect(Object.keys(world.cast.getState().profiles)).toEqual(["demo-avatar"]);
  });

  it("asks again for a profile that did not come", async () => {
    world.down = true;
    await world.cast.meet("zoe");
    world.down = false;
    await world.cast.meet("zoe");
    expect(world.calls).toEqual(["zoe", "zoe"]);
  });
});

describe("a profile", () => {
  it("is what the bundle says of languages and voices", () => {
    expect(profileOf(manifest)).toEqual({ languages: ["en", "zh"], voices: { en: "en_US-joe-medium", zh: "zf_xiaoxiao" } });
  });

  it.each([
    [{}, { languages: [], voices: {} }],
    [{ languages: "English", voices: ["joe"] }, { languages: [], voices: {} }],
    [{ languages: [1, "zh"], voices: { en: 5 } }, { languages: ["zh"], voices: {} }],
    [{ voices: { zh: "zf_xiaoxiao" } }, { languages: ["zh"], voices: { zh: "zf_xiaoxiao" } }],
  ])("takes only what is understood of %j", (metadata, profile) => {
    expect(profileOf({ metadata })).toEqual(profile);
  });
});

describe("the voice's name", () => {
  const profile = profileOf(manifest);
  const xiaoxiao = { ...voice, voice_id: "zf_xiaoxiao", display_label: "晓晓（女声）" };

  it("is that of the page's language, without what stands beside it", () => {
    expect(voiceName(profile, [voice, xiaoxiao], "en")).toBe("Joe");
    expect(voiceName(profile, [voice, xiaoxiao], "zh")).toBe("晓晓");
    expect(voiceName(profile, [voice], "fr")).toBe("Joe");
  });

  it("is not told of a voice that the server does not have", () => {
    expect(voiceName(profile, [voice], "zh")).toBeNull();
    expect(voiceName({ languages: ["en"], voices: {} }, [voice], "en")).toBeNull();
  });
});
