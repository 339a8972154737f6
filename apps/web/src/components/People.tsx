import { type KeyboardEvent, type MouseEvent, type RefObject, type SyntheticEvent, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { AvatarSummary, MadeAvatar } from "../api/types";
import { type Translate, useTranslate } from "../i18n";
import type { Cast } from "../session/cast";
import { DeletePerson } from "./DeletePerson";
import { MakeFromPhoto } from "./MakeFromPhoto";
import { MakeTile, PersonTile } from "./PersonTile";
import { CloseIcon } from "./icons";
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
  /** The server takes faces only of people who agreed. */
  consentRequired: boolean;
  onChoose: (avatar: AvatarSummary) => void;
  onMade: (made: MadeAvatar) => void;
  /** A character is gone; `left` are the others. */
  onDeleted: (avatarId: string, left: AvatarSummary[]) => void;
  onClose: () => void;
}

/** What the drawer shows: everybody, the form for a new character, or a question before one is deleted. */
type View = { name: "everybody" } | { name: "make" } | { name: "delete"; person: AvatarSummary };
const everybody: View = { name: "everybody" };

/** The drawer of characters: whoever is chosen takes the stage. */
export function People(props: Props) {
  const { open, avatars, cast, talking, onClose } = props;
  const t = useTranslate();
  const { avatars: newest } = useSyncExternalStore(cast.subscribe, cast.getState);
  const people = newest ?? avatars;
  const [view, setView] = useState<View>(everybody);
  // Pictures are asked for when the drawer is first opened, and stay from then on.
  const [wasOpen, setWasOpen] = useState(open);
  if (open && !wasOpen) setWasOpen(true);
  if (!open && view !== everybody) setView(everybody);
  const dialog = useDrawer(open, view, () => void cast.renew(avatars));

  const onCancel = (event: SyntheticEvent): void => {
    // Escape goes back one step at a time.
    if (view === everybody || event.target !== dialog.current) return;
    event.preventDefault();
    setView(everybody);
  };
  const onBackdrop = (event: MouseEvent): void => {
    if (event.target === dialog.current) onClose();
  };
  return (
    <dialog className="drawer" ref={dialog} aria-labelledby="people-title" data-testid="people" data-view={view.name} onClose={onClose} onCancel={onCancel} onClick={onBackdrop}>
      {wasOpen && (
        <div className="drawer-body">
          <header className="drawer-head">
            <h2 id="people-title" tabIndex={-1}>
              {titleOf(view, t)}
            </h2>
            <button type="button" className="round quiet" aria-label={t("people.close")} title={t("people.close")} data-testid="people-close" onClick={onClose}>
              <CloseIcon />
            </button>
            {talking && view.name !== "delete" && <p className="drawer-note">{t("people.switch")}</p>}
          </header>
          <Shown {...props} people={people} view={view} onView={setView} />
        </div>
      )}
    </dialog>
  );
}

function titleOf(view: View, t: Translate): string {
  switch (view.name) {
    case "everybody":
      return t("people.title");
    case "make":
      return t("make.title");
    case "delete":
      return t("delete.title", { name: view.person.name });
  }
}

/** Opens and closes the dialog, and brings the keyboard to what a view begins with. */
function useDrawer(open: boolean, view: View, onOpen: () => void): RefObject<HTMLDialogElement | null> {
  const dialog = useRef<HTMLDialogElement>(null);
  const opened = useRef(onOpen);
  const shown = useRef(view);
  useEffect(() => {
    opened.current = onOpen;
  });
  useEffect(() => {
    const element = dialog.current;
    if (!element || element.open === open) return;
    if (!open) {
      element.close();
      return;
    }
    element.showModal();
    element.querySelector<HTMLElement>("[aria-current=true]")?.focus();
    opened.current();
  }, [open]);
  useEffect(() => {
    const before = shown.current;
    shown.current = view;
    if (before === view || !dialog.current?.open) return;
    dialog.current.querySelector(".drawer-body")?.scrollTo(0, 0);
    if (view.name === "make") dialog.current.querySelector<HTMLElement>("#people-title")?.focus();
    if (view.name === "everybody") dialog.current.querySelector<HTMLElement>(before.name === "make" ? "[data-testid=make-open]" : "[aria-current=true]")?.focus();
  }, [view]);
  return dialog;
}

interface ShownProps extends Props {
  people: AvatarSummary[];
  view: View;
  onView: (view: View) => void;
}

function Shown(props: ShownProps) {
  const { view, onView, people, avatars, currentId, cast, previewUrl, talking, consentRequired, onMade, onDeleted } = props;
  const back = (): void => {
    onView(everybody);
  };
  switch (view.name) {
    case "everybody":
      return <Everybody {...props} />;
    case "make":
      return (
        <MakeFromPhoto
          people={people}
          currentId={currentId}
          consentRequired={consentRequired}
          make={(person, signal) => cast.make(person, avatars, signal)}
          onMade={onMade}
          onBack={back}
        />
      );
    case "delete": {
      const { id } = view.person;
      const remove = async (): Promise<void> => {
        await cast.remove(id, avatars);
        onDeleted(id, people.filter((other) => other.id !== id));
      };
      return <DeletePerson person={view.person} preview={previewUrl(id)} talking={talking && id === currentId} remove={remove} onDone={back} />;
    }
  }
}

function Everybody({ avatars, people, currentId, cast, previewUrl, onChoose, onView }: ShownProps) {
  const { profiles, voices, failure } = useSyncExternalStore(cast.subscribe, cast.getState);
  return (
    <>
      {failure !== null && (
        <Failure
          detail={failure}
          onRetry={() => {
            void cast.renew(avatars);
          }}
        />
      )}
      <ul className="people" onKeyDown={onArrow}>
        <li>
          <MakeTile
            onMake={() => {
              onView({ name: "make" });
            }}
          />
        </li>
        {people.map((avatar) => (
          <li key={avatar.id}>
            <PersonTile
              avatar={avatar}
              preview={previewUrl(avatar.id)}
              current={avatar.id === currentId}
              profile={profiles[avatar.id]}
              voices={voices}
              onChoose={onChoose}
              onDelete={(person) => {
                onView({ name: "delete", person });
              }}
            />
          </li>
        ))}
      </ul>
    </>
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

/** Arrow keys walk over the tiles; Tab goes through everything in order, as everywhere. */
function onArrow(event: KeyboardEvent<HTMLElement>): void {
  const tiles = [...event.currentTarget.querySelectorAll<HTMLElement>(".person")];
  const at = tiles.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  const columns = Math.max(1, tiles.filter((tile) => tile.offsetTop === tiles[0]?.offsetTop).length);
  const next = stepOf(event.key, at, tiles.length, columns);
  if (next === null) return;
  event.preventDefault();
  tiles[next]?.focus();
}
