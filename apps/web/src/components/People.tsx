import { type KeyboardEvent, type MouseEvent, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { AvatarSummary, VoiceItem } from "../api/types";
import { languageList, useTranslate } from "../i18n";
import { type Cast, type Profile, voiceName } from "../session/cast";
import { Portrait } from "./Portrait";
import { CheckIcon, CloseIcon, SoundIcon } from "./icons";
import { stepOf } from "./gridSteps";

interface Props {
  open: boolean;
  /** The characters as the page knows them; the newest list follows when the drawer opens. */
  avatars: AvatarSummary[];
  currentId: string;
  cast: Cast;
  previewUrl: (avatarId: string) => string;
  /** A conversation runs, which a choice would end. */
  talking: boolean;
  onChoose: (avatar: AvatarSummary) => void;
  onClose: () => void;
}

/** The drawer of characters: whoever is chosen takes the stage. */
export function People({ open, avatars, currentId, cast, previewUrl, talking, onChoose, onClose }: Props) {
  const t = useTranslate();
  const dialog = useRef<HTMLDialogElement>(null);
  const { avatars: newest, profiles, voices, failure } = useSyncExternalStore(cast.subscribe, cast.getState);
  // Pictures are asked for when the drawer is first opened, and stay from then on.
  const [wasOpen, setWasOpen] = useState(open);
  if (open && !wasOpen) setWasOpen(true);

  useEffect(() => {
    const element = dialog.current;
    if (!element || element.open === open) return;
    if (!open) {
      element.close();
      return;
    }
    element.showModal();
    element.querySelector<HTMLElement>("[aria-current=true]")?.focus();
    void cast.renew(avatars);
  }, [open, cast, avatars]);

  const onBackdrop = (event: MouseEvent): void => {
    if (event.target === dialog.current) onClose();
  };
  const people = newest ?? avatars;
  return (
    <dialog className="drawer" ref={dialog} aria-labelledby="people-title" data-testid="people" onClose={onClose} onClick={onBackdrop}>
      {wasOpen && (
        <div className="drawer-body">
          <header className="drawer-head">
            <h2 id="people-title">{t("people.title")}</h2>
            <button type="button" className="round quiet" aria-label={t("people.close")} title={t("people.close")} data-testid="people-close" onClick={onClose}>
              <CloseIcon />
            </button>
            {talking && <p className="drawer-note">{t("people.switch")}</p>}
          </header>
          {failure !== null && (
            <Failure
              detail={failure}
              onRetry={() => {
                void cast.renew(avatars);
              }}
            />
          )}
          <ul className="people" onKeyDown={onArrow}>
            {people.map((avatar) => (
              <li key={avatar.id}>
                <Tile
                  avatar={avatar}
                  preview={previewUrl(avatar.id)}
                  current={avatar.id === currentId}
                  profile={profiles[avatar.id]}
                  voices={voices}
                  onChoose={onChoose}
                />
              </li>
            ))}
          </ul>
        </div>
      )}
    </dialog>
  );
}

interface TileProps {
  avatar: AvatarSummary;
  preview: string;
  current: boolean;
  profile: Profile | undefined;
  voices: VoiceItem[];
  onChoose: (avatar: AvatarSummary) => void;
}

function Tile({ avatar, preview, current, profile, voices, onChoose }: TileProps) {
  const t = useTranslate();
  const spoken = profile?.languages.length ? languageList(t.language, profile.languages, "conjunction") : null;
  const voice = profile ? voiceName(profile, voices, t.language) : null;
  return (
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
  );
}

function Failure({ detail, onRetry }: { detail: string; onRetry: () => void }) {
  const t = useTranslate();
  return (
    <div className="drawer-note drawer-failure" role="alert" data-testid="people-failed">
      <p>{t("people.failed")}</p>
      <details>
        <summary>{t("detail.show")}</summary>
        <code>{detail}</code>
      </details>
      <button type="button" className="wide" onClick={onRetry}>
        {t("start.retry")}
      </button>
    </div>
  );
}

/** Arrow keys walk over the grid; Tab goes through it in order, as everywhere. */
function onArrow(event: KeyboardEvent<HTMLElement>): void {
  const tiles = [...event.currentTarget.querySelectorAll<HTMLElement>("button")];
  const at = tiles.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  const columns = Math.max(1, tiles.filter((tile) => tile.offsetTop === tiles[0]?.offsetTop).length);
  const next = stepOf(event.key, at, tiles.length, columns);
  if (next === null) return;
  event.preventDefault();
  tiles[next]?.focus();
}
