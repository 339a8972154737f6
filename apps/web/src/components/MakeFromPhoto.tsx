import { type DragEvent, type SyntheticEvent, useEffect, useId, useRef, useState } from "react";
import type { NewPerson } from "../api/client";
import type { AvatarSummary, MadeAvatar } from "../api/types";
import { type MessageKey, useTranslate } from "../i18n";
import { type Refusal, refusalOf } from "../session/making";
import { type PhotoProblem, photoProblem } from "../session/photo";
import { PhotoField } from "./PhotoField";
import { useNow } from "./useNow";

const NAME_MOST = 100;
/** Below this a wait is not worth counting. */
const COUNT_AFTER_SECONDS = 2;

interface Props {
  people: AvatarSummary[];
  currentId: string;
  consentRequired: boolean;
  make: (person: NewPerson, signal: AbortSignal) => Promise<MadeAvatar>;
  onMade: (made: MadeAvatar) => void;
  onBack: () => void;
}

interface Faults {
  photo: PhotoProblem | "missing" | null;
  name: boolean;
  consent: boolean;
}

const noFaults: Faults = { photo: null, name: false, consent: false };

/** The form behind the first tile: a photo and a name become a character. Leaving it gives up what is being made. */
export function MakeFromPhoto({ people, currentId, consentRequired, make, onMade, onBack }: Props) {
  const t = useTranslate();
  const id = useId();
  const form = useRef<HTMLFormElement>(null);
  const [photo, setPhoto] = useState<File | null>(null);
  const [name, setName] = useState("");
  const [baseId, setBaseId] = useState(currentId);
  const [consent, setConsent] = useState(false);
  const [faults, setFaults] = useState(noFaults);
  const { work, begin } = useWork();
  const busy = work.since !== null;

  const take = async (file: File): Promise<void> => {
    const problem = await photoProblem(file);
    setPhoto(problem ? null : file);
    setFaults((before) => ({ ...before, photo: problem }));
  };
  const onDrop = (event: DragEvent): void => {
    // Wherever it falls: a browser would go to the file and leave the page.
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file && !busy) void take(file);
  };
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (busy) return;
    const found: Faults = { photo: photo ? null : (faults.photo ?? "missing"), name: name.trim() === "", consent: consentRequired && !consent };
    setFaults(found);
    if (photo && !found.name && !found.consent) void begin((signal) => make({ photo, name: name.trim(), baseId, consent }, signal), onMade);
    else form.current?.querySelector<HTMLElement>(`[name=${firstOf(found)}]`)?.focus();
  };

  return (
    <form
      className="make"
      ref={form}
      noValidate
      aria-busy={busy}
      data-testid="make"
      onSubmit={submit}
      onDrop={onDrop}
      onDragOver={(event) => {
        event.preventDefault();
      }}
    >
      <PhotoField photo={photo} problem={faults.photo} busy={busy} onPhoto={(file) => void take(file)} />
      <div className="make-fields">
        <p className="field">
          <label htmlFor={`${id}-name`}>{t("make.name")}</label>
          <input
            id={`${id}-name`}
            name="name"
            value={name}
            maxLength={NAME_MOST}
            autoComplete="off"
            disabled={busy}
            aria-invalid={faults.name}
            aria-describedby={faults.name ? `${id}-name-fault` : undefined}
            data-testid="make-name"
            onChange={(event) => {
              setName(event.target.value);
              setFaults((before) => ({ ...before, name: false }));
            }}
          />
          {faults.name && (
            <span className="fault" id={`${id}-name-fault`}>
              {t("make.name.missing")}
            </span>
          )}
        </p>
        <p className="field">
          <label htmlFor={`${id}-base`}>{t("make.base")}</label>
          <select
            id={`${id}-base`}
            value={baseId}
            disabled={busy}
            onChange={(event) => {
              setBaseId(event.target.value);
            }}
          >
            {people.map((person) => (
              <option key={person.id} value={person.id}>
                {person.name}
              </option>
            ))}
          </select>
        </p>
        <p className="field">
          <label className="tick">
            <input
              type="checkbox"
              name="consent"
              checked={consent}
              disabled={busy}
              required={consentRequired}
              aria-invalid={faults.consent}
              aria-describedby={faults.consent ? `${id}-consent-fault` : undefined}
              data-testid="make-consent"
              onChange={(event) => {
                setConsent(event.target.checked);
                setFaults((before) => ({ ...before, consent: false }));
              }}
            />
            {t("make.consent")}
          </label>
          {faults.consent && (
            <span className="fault" id={`${id}-consent-fault`}>
              {t("make.consent.missing")}
            </span>
          )}
        </p>
      </div>
      {work.refusal && <Refused refusal={work.refusal} />}
      <Progress since={work.since} name={name.trim()} />
      <div className="make-actions">
        <button type="button" className="wide soft" data-testid="make-back" onClick={onBack}>
          {t(busy ? "make.cancel" : "make.back")}
        </button>
        <button type="submit" className="wide primary" aria-disabled={busy} data-testid="make-submit">
          {t("make.submit")}
        </button>
      </div>
    </form>
  );
}

/** What is being made; the wait ends with the component. */
function useWork() {
  const [work, setWork] = useState<{ since: number | null; refusal: Refusal | null }>({ since: null, refusal: null });
  const running = useRef<AbortController | null>(null);
  useEffect(
    () => () => {
      running.current?.abort();
    },
    [],
  );
  const begin = async <T,>(job: (signal: AbortSignal) => Promise<T>, onDone: (result: T) => void): Promise<void> => {
    const stop = new AbortController();
    running.current = stop;
    setWork({ since: performance.now(), refusal: null });
    try {
      const result = await job(stop.signal);
      if (!stop.signal.aborted) onDone(result);
    } catch (error) {
      if (!stop.signal.aborted) setWork({ since: null, refusal: refusalOf(error) });
    }
  };
  return { work, begin };
}

function firstOf(faults: Faults): string {
  if (faults.photo) return "photo";
  return faults.name ? "name" : "consent";
}

function Progress({ since, name }: { since: number | null; name: string }) {
  const t = useTranslate();
  const now = useNow(since !== null);
  const seconds = since === null ? 0 : Math.floor((now - since) / 1_000);
  return (
    <div className="make-progress" role="status" data-testid="make-progress" data-busy={since !== null}>
      {since !== null && (
        <>
          <progress aria-label={t("make.progress.label")} />
          <p>
            {t("make.progress", { name })}
            {seconds >= COUNT_AFTER_SECONDS && <span aria-hidden="true"> {t("make.progress.seconds", { seconds })}</span>}
          </p>
        </>
      )}
    </div>
  );
}

/** Why it did not work, with the server's own words below. */
export function Refused({ refusal }: { refusal: Refusal }) {
  const t = useTranslate();
  const key: MessageKey = `make.refused.${refusal.kind}`;
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.scrollIntoView({ block: "nearest" });
  }, []);
  return (
    <div className="drawer-note drawer-failure" role="alert" ref={box} data-testid="refused" data-kind={refusal.kind}>
      <p>{t(key)}</p>
      <details>
        <summary>{t("detail.show")}</summary>
        <code>{refusal.detail}</code>
      </details>
    </div>
  );
}
