import { useTranslate } from "../i18n";
import type { MicrophoneState } from "../session/microphoneState";
import { microphoneStatus } from "../session/microphoneState";
import type { Voice } from "../session/voice";
import { CloseIcon } from "./icons";

const MOST_OTHERS = 2;

/** What is wrong with the microphone and what to do about it, above the field; also what the browser is waiting for. */
export function MicrophoneNote({ voice, state }: { voice: Voice; state: MicrophoneState }) {
  return (
    <div className="microphone-note" aria-live="polite">
      <Note voice={voice} state={state} />
    </div>
  );
}

function Note({ voice, state }: { voice: Voice; state: MicrophoneState }) {
  const t = useTranslate();
  const { microphone } = voice;
  const { problem, devices, device } = state;
  const status = microphoneStatus(state);
  if (status === "asking") {
    return (
      <div className="notice microphone-asking" data-testid="microphone-note" data-kind="asking">
        <p>{t("mic.asking")}</p>
      </div>
    );
  }
  const kind = problem?.kind ?? (status === "silent" ? "silent" : null);
  if (kind === null) return null;
  const others = devices.filter((other) => other.label !== "" && other.id !== device?.id);
  const hopeless = kind === "insecure" || kind === "unsupported";
  return (
    <div className="notice" data-testid="microphone-note" data-kind={kind}>
      <div>
        <p>{t(`mic.problem.${kind}`, { address: location.origin })}</p>
        <p>{t(`mic.problem.${kind}.how`, { address: location.origin })}</p>
        {problem?.detail && (
          <details>
            <summary>{t("detail.show")}</summary>
            <code>{problem.detail}</code>
          </details>
        )}
        <div className="notice-actions">
          {state.phase === "closed" && !hopeless && (
            <button type="button" className="wide soft" data-testid="microphone-retry" onClick={() => void microphone.toggle()}>
              {t("start.retry")}
            </button>
          )}
          {others.slice(0, MOST_OTHERS).map((other) => (
            <button key={other.id} type="button" className="wide soft" data-testid="microphone-other" onClick={() => void microphone.choose(other)}>
              {t("mic.use", { label: other.label })}
            </button>
          ))}
        </div>
      </div>
      {problem && (
        <button
          type="button"
          className="round quiet"
          aria-label={t("action.dismiss")}
          onClick={() => {
            microphone.dismissProblem();
          }}
        >
          <CloseIcon />
        </button>
      )}
    </div>
  );
}
