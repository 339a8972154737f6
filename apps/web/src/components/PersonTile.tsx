import type { AvatarSummary, VoiceItem } from "../api/types";
import { languageList, useTranslate } from "../i18n";
import { type Profile, voiceName } from "../session/cast";
import { Portrait } from "./Portrait";
import { CheckIcon, DeleteIcon, PhotoIcon, SoundIcon } from "./icons";

interface Props {
  avatar: AvatarSummary;
  preview: string;
  current: boolean;
  profile: Profile | undefined;
  voices: VoiceItem[];
  onChoose: (avatar: AvatarSummary) => void;
  onDelete: (avatar: AvatarSummary) => void;
}

/** A character to choose, with face, name, languages and voice; one from a photo can be deleted. */
export function PersonTile({ avatar, preview, current, profile, voices, onChoose, onDelete }: Props) {
  const t = useTranslate();
  const spoken = profile?.languages.length ? languageList(t.language, profile.languages, "conjunction") : null;
  const voice = profile ? voiceName(profile, voices, t.language) : null;
  return (
    <>
      <button
        type="button"
        className="person"
        aria-current={current}
        data-testid="person"
        data-avatar={avatar.id}
        onClick={() => {
          onChoose(avatar);
        }}
      >
        <Portrait className="person-picture" src={preview} name={avatar.name} alt="" lazy>
          {current && (
            <span className="person-mark">
              <CheckIcon />
              <span className="sr-only">{t("people.current")}</span>
            </span>
          )}
        </Portrait>
        <span className="person-words">
          <b className="person-name">{avatar.name}</b>
          {spoken && <span>{spoken}</span>}
          {voice && (
            <span className="person-voice">
              <SoundIcon />
              <span className="sr-only">{t("people.voice")}</span> {voice}
            </span>
          )}
        </span>
      </button>
      {avatar.is_custom && (
        <button
          type="button"
          className="round person-delete"
          aria-label={t("delete.open", { name: avatar.name })}
          title={t("delete.open", { name: avatar.name })}
          data-testid="person-delete"
          onClick={() => {
            onDelete(avatar);
          }}
        >
          <DeleteIcon />
        </button>
      )}
    </>
  );
}

/** The tile before all others: a character of one's own. */
export function MakeTile({ onMake }: { onMake: () => void }) {
  const t = useTranslate();
  return (
    <button type="button" className="person" data-testid="make-open" onClick={onMake}>
      <span className="portrait person-picture person-new">
        <PhotoIcon />
      </span>
      <span className="person-words">
        <b className="person-name">{t("make.open")}</b>
        <span>{t("make.open.hint")}</span>
      </span>
    </button>
  );
}
