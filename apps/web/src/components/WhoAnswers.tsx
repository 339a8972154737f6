import type { Health } from "../api/types";
import { useTranslate } from "../i18n";

/** Which language model answers; a demo model says so and how to connect a real one. */
export function WhoAnswers({ health, name }: { health: Health; name: string }) {
  const t = useTranslate();
  const llm = health.llm;
  const missing = health.llm_key_set === false || !llm?.model;
  const kind = missing ? "none" : llm.demo ? "demo" : "model";
  const params = { model: llm?.model ?? "", provider: llm?.provider ?? "", name };
  return (
    <details className="who" data-testid="who-answers" data-kind={kind}>
      <summary className="pill" aria-label={`${t("who.label")}: ${t(`who.${kind}`, params)}`}>
        <span className="who-name">{t(`who.${kind}`, params)}</span>
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
