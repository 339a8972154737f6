import { useTranslate } from "../i18n";
import type { Setup } from "../session/state";

/** What the server lacks to do its whole job, with the remedy; nothing when all is well. */
export function Hints({ setup }: { setup: Setup }) {
  const t = useTranslate();
  const { avatar, health, model, models } = setup;
  const intended = models.statuses.find((status) => status.id === models.default_model);
  const voiceless = !health.tts_key_set;
  const substituted = intended && !intended.connected && model !== intended.id;
  if (!voiceless && !substituted) return null;
  return (
    <div className="hints">
      {voiceless && (
        <div className="notice" role="note" data-testid="hint-tts">
          <div>
            <p>{t("remedy.tts", { name: avatar.name, provider: health.tts_provider })}</p>
            <p>{t("remedy.tts.how")}</p>
          </div>
        </div>
      )}
      {substituted && (
        <div className="notice" role="note" data-testid="hint-model">
          <div>
            <p>{t("remedy.model", { model: intended.id, reason: intended.reason, used: model })}</p>
            <p>{t("remedy.model.how")}</p>
          </div>
        </div>
      )}
    </div>
  );
}
