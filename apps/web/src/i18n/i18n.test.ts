import { describe, expect, it } from "vitest";
import { catalogues, isMessageKey, languageList, pickLanguage, translator } from "./index";
import { en } from "./en";

const placeholders = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").toSorted();

describe("catalogues", () => {
  it("have the same keys in the same order", () => {
    expect(Object.keys(catalogues.zh)).toEqual(Object.keys(catalogues.en));
  });

  it.each(Object.keys(en).filter(isMessageKey))("%s says something with the same placeholders", (key) => {
    expect(catalogues.zh[key].trim()).not.toBe("");
    expect(placeholders(catalogues.zh[key])).toEqual(placeholders(catalogues.en[key]));
  });

  it("are written in their own language", () => {
    const same = Object.keys(en)
      .filter(isMessageKey)
      .filter((key) => catalogues.zh[key] === catalogues.en[key] && /[a-z]{2}/i.test(en[key].replace(/\{\w+\}/g, "")));
    expect(same).toEqual(["app.name", "app.title"]);
  });
});

describe("translator", () => {
  it("fills placeholders and writes numbers the language's way", () => {
    expect(translator("en")("start.button", { name: "Ada" })).toBe("Talk to Ada");
    expect(translator("zh")("status.queued", { position: 1_200 })).toBe("正在排队，第 1,200 位");
  });

  it("leaves a placeholder without a value visible", () => {
    expect(translator("en")("start.button")).toBe("Talk to {name}");
  });
});

describe("languageList", () => {
  it("names languages in the language of the page", () => {
    expect(languageList("en", ["en", "zh"], "conjunction")).toBe("English and Chinese");
    expect(languageList("zh", ["en", "zh"], "disjunction")).toBe("英语或中文");
    expect(languageList("en", ["de"], "disjunction")).toBe("German");
  });

  it("shows what is no language code as it is", () => {
    expect(languageList("en", ["en", "not a code"], "conjunction")).toBe("English and not a code");
  });
});

describe("pickLanguage", () => {
  it.each([
    [["zh-CN", "en"], "zh"],
    [["ZH-hant-TW"], "zh"],
    [["de", "en-GB", "zh"], "en"],
    [["fr"], "en"],
    [[], "en"],
  ] as const)("%j gives %s", (preferred, language) => {
    expect(pickLanguage(preferred)).toBe(language);
  });
});
