import { describe, expect, it } from "vitest";
import * as examples from "../testing/examples";
import { chooseAvatar, chooseModel, readWishes, searchAfterChoice } from "./choose";

const avatar = (id: string) => ({ ...examples.avatar, id });
const models = (connected: string[]) => examples.modelList(["portrait", "mock", "other"], connected);

describe("the first avatar", () => {
  const all = [avatar("anna"), avatar("demo-avatar"), avatar("zoe")];
  const wishes = (wished: string | null, lastAvatar: string | null = null) => ({ avatar: wished, model: null, lastAvatar });

  it("is the wished one, else the one chosen last, else the demo, else any", () => {
    expect(chooseAvatar(all, wishes("zoe", "anna"))?.id).toBe("zoe");
    expect(chooseAvatar(all, wishes("nobody", "anna"))?.id).toBe("anna");
    expect(chooseAvatar(all, wishes("nobody", "deleted"))?.id).toBe("demo-avatar");
    expect(chooseAvatar([avatar("anna")], wishes(null))?.id).toBe("anna");
    expect(chooseAvatar([], wishes("zoe"))).toBeNull();
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
    expect(readWishes("?avatar=a%20b&model=mock&autostart=1", null)).toEqual({
      avatar: "a b",
      model: "mock",
      lastAvatar: null,
      autostart: true,
    });
    expect(readWishes("", "zoe")).toEqual({ avatar: null, model: null, lastAvatar: "zoe", autostart: false });
  });

  it("follows a choice, so that a reload does not undo it", () => {
    expect(searchAfterChoice("?model=mock&avatar=anna", "zoe b")).toBe("?model=mock&avatar=zoe+b");
    expect(searchAfterChoice("?model=mock", "zoe")).toBe("?model=mock");
  });
});
