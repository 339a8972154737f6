import { type SyntheticEvent, useEffect, useId, useRef, useState } from "react";
import type { AccessState } from "../api/access";
import { useTranslate } from "../i18n";

interface Props {
  access: AccessState;
  /** True if the key opens the server. */
  onKey: (key: string) => Promise<boolean>;
}

/** The one field before everything else on a server that asks for a key. */
export function KeyPrompt({ access, onKey }: Props) {
  const t = useTranslate();
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const { problem, detail } = access;
  useEffect(() => {
    field.current?.focus();
  }, []);
  const submit = async (): Promise<void> => {
    if (busy || !key.trim()) return;
    setBusy(true);
    const opened = await onKey(key);
    setBusy(false);
    if (!opened) field.current?.select();
  };
  return (
    <form
      className="sheet over key"
      aria-labelledby={`${id}-title`}
      data-testid="key-prompt"
      onSubmit={(event: SyntheticEvent) => {
        event.preventDefault();
        void submit();
      }}
    >
      <h2 id={`${id}-title`}>{t("key.title")}</h2>
      <p id={`${id}-what`}>{t("key.what")}</p>
      <div className="field">
        <label htmlFor={id}>{t("key.label")}</label>
        <input
          id={id}
          ref={field}
          type="password"
          value={key}
          autoComplete="off"
          spellCheck={false}
          aria-invalid={problem !== null}
          aria-describedby={problem ? `${id}-fault` : `${id}-what`}
          data-testid="key-input"
          onChange={(event) => {
            setKey(event.target.value);
          }}
        />
        {problem && (
          <div className="fault" id={`${id}-fault`} role="alert" data-testid="key-fault">
            <p>{t(`key.${problem}`)}</p>
            {problem === "refused" && <code>{detail}</code>}
          </div>
        )}
      </div>
      <button type="submit" className="wide primary" aria-disabled={busy} data-testid="key-submit">
        {t(busy ? "key.busy" : "key.submit")}
      </button>
    </form>
  );
}
