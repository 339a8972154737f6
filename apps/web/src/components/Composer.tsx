import { type KeyboardEvent, type ReactNode, type SyntheticEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useTranslate } from "../i18n";
import type { Outgoing } from "../session/state";
import { isComposing } from "./composing";
import { QuoteIcon, SendIcon, StopIcon } from "./icons";

interface Props {
  name: string;
  /** The avatar is thinking or speaking: the button stops it. */
  busy: boolean;
  onSend: (outgoing: Outgoing) => void;
  onStop: () => void;
  /** The microphone's controls, beside the field. */
  children?: ReactNode;
}

/** The one text field, with send that becomes stop. */
export function Composer({ name, busy, onSend, onStop, children }: Props) {
  const t = useTranslate();
  const [text, setText] = useState("");
  const [verbatim, setVerbatim] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    // On a touch screen focus would bring up the keyboard over the face.
    if (matchMedia("(pointer: fine)").matches) field.current?.focus();
  }, []);

  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${String(element.scrollHeight)}px`;
  }, [text]);

  const send = (): void => {
    const trimmed = text.trim();
    if (!trimmed) return;
    onSend({ text: trimmed, verbatim });
    setText("");
  };
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    send();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
    event.preventDefault();
    send();
  };

  const written = text.trim() !== "";
  return (
    <form className="composer" onSubmit={submit}>
      <button
        type="button"
        className="round quiet"
        aria-pressed={verbatim}
        aria-label={t("composer.verbatim")}
        title={t("composer.verbatim.hint", { name })}
        data-testid="verbatim"
        onClick={() => {
          setVerbatim(!verbatim);
          field.current?.focus();
        }}
      >
        <QuoteIcon />
      </button>
      <textarea
        ref={field}
        rows={1}
        value={text}
        maxLength={10_000}
        autoComplete="off"
        enterKeyHint="send"
        aria-label={t("composer.label")}
        placeholder={t(verbatim ? "composer.placeholder.verbatim" : "composer.placeholder", { name })}
        data-testid="composer-input"
        onChange={(event) => {
          setText(event.target.value);
        }}
        onKeyDown={onKeyDown}
      />
      {children}
      {busy && (
        <button type="button" className="round stop" aria-label={t("composer.stop")} title={t("composer.stop")} data-testid="stop" onClick={onStop}>
          <StopIcon />
        </button>
      )}
      {(!busy || written) && (
        <button type="submit" className="round primary" aria-label={t("composer.send")} title={t("composer.send")} data-testid="send" disabled={!written}>
          <SendIcon />
        </button>
      )}
    </form>
  );
}
