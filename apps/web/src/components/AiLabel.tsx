import { type Translate, en, useTranslate } from "../i18n";

/** Tells people that the face is made by a machine: in the operator's words, else in the page's own. */
export function AiLabel({ words }: { words: string }) {
  const t = useTranslate();
  return (
    <p className="ai-label" data-testid="ai-label">
      {labelWords(words, t)}
    </p>
  );
}

/** The server's built-in wording, or none at all, is said in the visitor's language. */
export function labelWords(words: string, t: Translate): string {
  const own = words.trim();
  return own === "" || own === en["label.ai"] ? t("label.ai") : own;
}
