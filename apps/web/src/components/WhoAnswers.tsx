import { type KeyboardEvent, useEffect, useRef } from "react";
import type { Health } from "../api/types";
import { useTranslate } from "../i18n";

/** Which language model answers; a demo model says so and how to connect a real one. */
export function WhoAnswers({ health, name }: { health: Health; name: string }) {
  const t = useTranslate();
  const { llm } = health;
  const missing = !health.llm_key_set || !llm.model;
  const kind = missing ? "none" : llm.demo ? "demo" : "model";
  const box = useRef<HTMLDetailsElement>(null);
  const close = (): void => {
    if (box.current) box.current.open = false;
  };
  useEffect(() => {
    const onPointer = (event: PointerEvent): void => {
      if (box.current && event.target instanceof Node && !box.current.contains(event.target)) box.current.open = false;
    };
    document.addEventListener("pointerdown", onPointer);
    return () => {
      document.removeEventListener("pointerdown", onPointer);
    };
  }, []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !box.current?.open) return;
    // This Escape closes the sheet; it does not stop the avatar as well.
    event.stopPropagation();
    close();
  };
  const params = { model: llm.model, provider: llm.provider, name };
  return (
    <details className="who" ref={box} onKeyDown={onKeyDown} data-testid="who-answers" data-kind={kind}>
      <summary className="pill" aria-label={`${t("who.label")}: ${t(`who.${kind}`, params)}${kind === "demo" ? ` ${llm.model}` : ""}`}>
        <span className="who-name">{t(`who.${kind}`, params)}</span>{" "}
        {kind === "demo" && <span className="who-model">{params.model}</span>}
      </summary>
      <div className="sheet">
        {kind === "model" ? (
          <p>{t("who.provider", params)}</p>
        ) : (
          <>
            <p>{t(`who.${kind}.what`, params)}</p>
            <p>{t(`who.${kind}.how`, params)}</p>
          </>
        )}
      </div>
    </details>
  );
}
