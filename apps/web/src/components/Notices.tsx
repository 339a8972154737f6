import { type MessageKey, isMessageKey, useTranslate } from "../i18n";
import type { Notice } from "../session/state";
import { CloseIcon } from "./icons";

interface Props {
  notices: Notice[];
  onDismiss: (key: number) => void;
}

/** What went wrong and what to do, one sentence each; the raw words unfold below. */
export function Notices({ notices, onDismiss }: Props) {
  return (
    <div className="notices" role="log" aria-live="assertive" aria-relevant="additions">
      {notices.map((notice) => (
        <NoticeCard key={notice.key} notice={notice} onDismiss={onDismiss} />
      ))}
    </div>
  );
}

function NoticeCard({ notice, onDismiss }: { notice: Notice; onDismiss: (key: number) => void }) {
  const t = useTranslate();
  return (
    <div className="notice" data-testid="notice" data-code={notice.code}>
      <div>
        <p>{t(noticeKey(notice.code))}</p>
        {notice.detail && (
          <details>
            <summary>{t("detail.show")}</summary>
            <code>
              {notice.code}: {notice.detail}
            </code>
          </details>
        )}
      </div>
      <button
        type="button"
        className="round quiet"
        aria-label={t("action.dismiss")}
        onClick={() => {
          onDismiss(notice.key);
        }}
      >
        <CloseIcon />
      </button>
    </div>
  );
}

function noticeKey(code: string): MessageKey {
  const key = `notice.${code}`;
  return isMessageKey(key) ? key : "notice.unknown";
}
