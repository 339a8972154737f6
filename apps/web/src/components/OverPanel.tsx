import { useTranslate } from "../i18n";
import type { Link } from "../session/state";

interface Props {
  link: Extract<Link, { phase: "failed" | "ended" }>;
  onStart: () => void;
}

/** Why there is no live avatar, what to do about it, and the one button that goes on. */
export function OverPanel({ link, onStart }: Props) {
  const t = useTranslate();
  const failed = link.phase === "failed";
  const title = failed ? t(`fail.${link.failure.kind}.title`) : t(`end.${link.reason}.title`);
  const what = failed ? t(`fail.${link.failure.kind}.what`) : t(`end.${link.reason}.what`);
  return (
    <section className="sheet over" role="alert" data-testid="over" data-reason={failed ? link.failure.kind : link.reason}>
      <h2>{title}</h2>
      <p>{what}</p>
      {failed && link.failure.kind === "webrtc" && (
        <ul>
          <li>{t("fail.webrtc.try1")}</li>
          <li>{t("fail.webrtc.try2")}</li>
        </ul>
      )}
      {failed && link.failure.kind === "server_full" && link.failure.retryAfterSeconds !== null && (
        <p>{t("fail.server_full.wait", { seconds: link.failure.retryAfterSeconds })}</p>
      )}
      {failed && link.failure.detail && (
        <details>
          <summary>{t("detail.show")}</summary>
          <code>{link.failure.detail}</code>
        </details>
      )}
      <button type="button" className="wide primary" data-testid="restart" onClick={onStart}>
        {failed ? t("start.retry") : t("start.again")}
      </button>
    </section>
  );
}
