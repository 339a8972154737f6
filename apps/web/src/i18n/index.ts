import { createContext, useContext } from "react";
import { type Catalogue, type MessageKey, en } from "./en";
import { zh } from "./zh";

export { type MessageKey, en } from "./en";
export type Language = "en" | "zh";
export type Params = Record<string, string | number>;
export interface Translate {
  (key: MessageKey, params?: Params): string;
  readonly language: Language;
}

export const catalogues: Record<Language, Catalogue> = { en, zh };

/** The first language of the browser that the page has, else English. */
export function pickLanguage(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const base = tag.toLowerCase().split("-")[0];
    if (base === "zh" || base === "en") return base;
  }
  return "en";
}

/** A function that turns a key and its parameters into a sentence of the language. */
export function translator(language: Language): Translate {
  const numbers = new Intl.NumberFormat(language);
  const translate = (key: MessageKey, params: Params = {}): string =>
    catalogues[language][key].replace(/\{(\w+)\}/g, (placeholder, name: string) => {
      const value = params[name];
      if (value === undefined) return placeholder;
      return typeof value === "number" ? numbers.format(value) : value;
    });
  return Object.assign(translate, { language });
}

/** The names of languages, such as `en` or `zh-CN`, as a list: "English and Chinese", "英语和中文". */
export function languageList(language: Language, codes: readonly string[], type: "conjunction" | "disjunction"): string {
  const names = new Intl.DisplayNames(language, { type: "language" });
  const nameOf = (code: string): string => {
    try {
      return names.of(code) ?? code;
    } catch {
      // Not a language code; a bundle may write what it likes.
      return code;
    }
  };
  return new Intl.ListFormat(language, { type }).format(codes.map(nameOf));
}

/** True if the catalogue has a sentence for this text; narrows codes that come from the server. */
export function isMessageKey(key: string): key is MessageKey {
  return Object.hasOwn(en, key);
}

const TranslateContext = createContext<Translate>(translator("en"));
export const TranslateProvider = TranslateContext.Provider;

export function useTranslate(): Translate {
  return useContext(TranslateContext);
}
