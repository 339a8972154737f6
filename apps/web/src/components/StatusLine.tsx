import { type Translate, useTranslate } from "../i18n";
import type { MicrophoneStatus } from "../session/microphoneState";
import { type State, statusOf } from "../session/state";
import { useNow } from "./useNow";

/** Below this a connection is not worth counting. */
const COUNT_AFTER_SECONDS = 2;

/** One word on what is going on, beside the avatar's name. */
export function StatusLine({ state, name, microphone }: { state: State; name: string; microphone: MicrophoneStatus }) {
  return (
    <div className="pill status" role="status" data-testid="status" data-status={statusOf(state)}>
      <span className="status-dot" aria-hidden="true" />
      <b>{name}</b>
      {/* A new phase begins with a fresh clock. */}
      <StatusWords key={state.link.phase} state={state} microphone={microphone} />
    </div>
  );
}

function StatusWords({ state, microphone }: { state: State; microphone: MicrophoneStatus }) {
  const t = useTranslate();
  const { phase } = state.link;
  const now = useNow(phase === "connecting" || phase === "reconnecting");
  const hears = statusOf(state) === "idle" && microphone === "on";
  return <span className="status-words">{hears ? t("status.idle.microphone") : sentence(state, now, t)}</span>;
}

function sentence(state: State, now: number, t: Translate): string {
  const { link } = state;
  const status = statusOf(state);
  if (status === "connecting" && link.phase === "connecting") {
    const seconds = Math.floor((now - link.since) / 1_000);
    return seconds >= COUNT_AFTER_SECONDS ? t("status.connecting.elapsed", { seconds }) : t("status.connecting");
  }
  if (status === "queued" && link.phase === "queued") return t("status.queued", { position: link.position });
  if (status === "reconnecting" && link.phase === "reconnecting") {
    const seconds = Math.ceil((link.nextAt - now) / 1_000);
    return seconds > 0 ? t("status.reconnecting.in", { seconds }) : t("status.reconnecting", { attempt: link.attempt, of: link.of });
  }
  if (status === "connecting" || status === "queued" || status === "reconnecting") return t("status.connecting");
  return t(`status.${status}`);
}
