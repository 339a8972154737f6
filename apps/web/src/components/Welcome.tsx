import { useEffect, useSyncExternalStore } from "react";
import type { AvatarSummary } from "../api/types";
import { languageList, useTranslate } from "../i18n";
import type { Cast } from "../session/cast";
import { VideoIcon } from "./icons";

interface Props {
  avatar: AvatarSummary;
  cast: Cast;
  onStart: () => void;
}

/** Before the first word: who this is, in which languages to write, and the one button that begins. */
export function Welcome({ avatar, cast, onStart }: Props) {
  const t = useTranslate();
  const { profiles } = useSyncExternalStore(cast.subscribe, cast.getState);
  const { id, name } = avatar;
  useEffect(() => {
    void cast.meet(id);
  }, [cast, id]);
  const codes = profiles[id]?.languages ?? [];
  return (
    <div className="welcome">
      <button type="button" className="wide primary start" data-testid="start" onClick={onStart}>
        <VideoIcon />
        {t("start.button", { name })}
      </button>
      <p className="pill welcome-words" data-testid="welcome">
        <span>{t("start.hint", { name })}</span>
        {codes.length > 0 && <span>{t("start.languages", { languages: languageList(t.language, codes, "disjunction") })}</span>}
      </p>
    </div>
  );
}
