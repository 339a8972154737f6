import { useEffect, useRef, useState } from "react";
import type { AvatarSummary } from "../api/types";
import { useTranslate } from "../i18n";
import { type Refusal, refusalOf } from "../session/making";
import { Refused } from "./MakeFromPhoto";
import { Portrait } from "./Portrait";

interface Props {
  person: AvatarSummary;
  preview: string;
  /** A conversation with this character runs and would end. */
  talking: boolean;
  remove: () => Promise<void>;
  onDone: () => void;
}

/** Asks before a character is deleted for good. */
export function DeletePerson({ person, preview, talking, remove, onDone }: Props) {
  const t = useTranslate();
  const keep = useRef<HTMLButtonElement>(null);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const { name } = person;
  useEffect(() => {
    // The harmless answer is the one that a hasty Enter gives.
    keep.current?.focus();
  }, []);
  const onDelete = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setRefusal(null);
    try {
      await remove();
      onDone();
    } catch (error) {
      const found = refusalOf(error);
      setRefusal({ ...found, kind: found.kind === "photo" ? "failed" : found.kind });
      setBusy(false);
    }
  };
  return (
    <div className="remove" data-testid="delete">
      <Portrait className="remove-picture" src={preview} name={name} alt="" />
      <div className="remove-words">
        <p>{t("delete.what", { name })}</p>
        {talking && <p>{t("delete.talking")}</p>}
      </div>
      {refusal && <Refused refusal={refusal} />}
      <div className="make-actions">
        <button type="button" className="wide soft" ref={keep} data-testid="delete-keep" onClick={onDone}>
          {t("delete.keep")}
        </button>
        <button type="button" className="wide stop" aria-disabled={busy} data-testid="delete-confirm" onClick={() => void onDelete()}>
          {t(busy ? "delete.busy" : "delete.confirm")}
        </button>
      </div>
    </div>
  );
}
