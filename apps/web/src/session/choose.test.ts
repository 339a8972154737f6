import { describe, expect, it } from "vitest";
import * as examples from "../testing/examples";
import { chooseAvatar, chooseModel, readWishes } from "./choose";

const avatar = (id: string) => ({ ...examples.avatar, id });
const models = (connected: string[]) => examples.modelList(["portrait", "mock", "other"], connected);

describe("the first avatar", () => {
  const all = [avatar("anna"), avatar("demo-avatar"), avatar("zoe")];
  it("is the wished one, else the demo, else any", () => {
    expect(chooseAvatar(all, "zoe")?.id).toBe("zoe");
    expect(chooseAvatar(all, "nobody")?.id).toBe("demo-avatar");
    expect(chooseAvatar([avatar("anna")], null)?.id).toBe("anna");
    expect(chooseAvatar([], "zoe")).toBeNull();
  });
});

describe("the first model", () => {
  it("is the wished one if connected, else the default, else any connected", () => {
    expect(chooseModel(models(["portrait", "mock", "other"]), "other")).toBe("other");
    expect(chooseModel(models(["portrait", "mock"]), "other")).toBe("portrait");
    expect(chooseModel(models(["mock", "other"]), null)).toBe("mock");
    expect(chooseModel(models([]), "portrait")).toBeNull();
  });
});

describe("the address", () => {
  it("carries wishes", () => {
    expect(readWishes("?avatar=a%20b&model=mock&autostart=1")).toEqual({ avatar: "a b", model: "mock", autostart: true });
    expect(readWishes("")).toEqual({ avatar: null, model: null, autostart: false });
  });
});
