import { type CSSProperties, useCallback, useEffect, useState, useSyncExternalStore } from "react";
import type { ApiClient } from "./api/client";
import type { AvatarSummary, MadeAvatar } from "./api/types";
import { AiLabel } from "./components/AiLabel";
import { Backdrop } from "./components/Backdrop";
import { CaptionLines } from "./components/CaptionLines";
import { Composer } from "./components/Composer";
import { Hints } from "./components/Hints";
import { KeyPrompt } from "./components/KeyPrompt";
import { MicrophoneButton } from "./components/MicrophoneButton";
import { MicrophoneNote } from "./components/MicrophoneNote";
import { MicrophonePanel } from "./components/MicrophonePanel";
import { CaptionsIcon, PeopleIcon, SoundOffIcon } from "./components/icons";
import { Notices } from "./components/Notices";
import { OverPanel } from "./components/OverPanel";
import { People } from "./components/People";
import { Stage } from "./components/Stage";
import { StatusLine } from "./components/StatusLine";
import { Welcome } from "./components/Welcome";
import { WhoAnswers } from "./components/WhoAnswers";
import { useVoiceKeys } from "./components/useVoiceKeys";
import { isComposing } from "./components/composing";
import { useTranslate } from "./i18n";
import type { Cast } from "./session/cast";
import { chooseAvatar, searchAfterChoice } from "./session/choose";
import type { SessionController } from "./session/controller";
import { stillFaceHint } from "./session/making";
import { type MicrophoneState, microphoneStatus } from "./session/microphoneState";
import { type State, canWrite, moodOf } from "./session/state";
import type { Voice } from "./session/voice";
import { keep, recall } from "./storage";

interface Props {
  client: ApiClient;
  cast: Cast;
  controller: SessionController;
  voice: Voice;
}

export function App({ client, cast, controller, voice }: Props) {
  const t = useTranslate();
  const state = useSyncExternalStore(controller.subscribe, controller.getState);
  const stream = useSyncExternalStore(controller.subscribe, () => controller.stream);
  const microphone = useSyncExternalStore(voice.microphone.subscribe, voice.microphone.getState);
  const [soundOff, setSoundOff] = useState(false);
  const [captionsOn, setCaptionsOn] = useCaptionsWish();
  const [peopleOpen, setPeopleOpen] = useState(false);
  const { setup, link } = state;
  const name = setup?.avatar.name ?? t("app.character");
  const preview = setup ? client.previewUrl(setup.avatar.id) : null;

  const stop = useCallback(() => void controller.stop(), [controller]);
  const onFirstFrame = useCallback(
    (shown: MediaStream) => {
      controller.firstFrame(shown);
    },
    [controller],
  );

  useEffect(() => {
    document.title = setup ? t("app.title", { name: setup.avatar.name }) : t("app.name");
  }, [setup, t]);
  // An Escape that closes the drawer does not stop the avatar as well.
  useEscape(stop, !peopleOpen);
  useVoiceKeys(voice, canWrite(link) && !peopleOpen);
  const closePeople = useCallback(() => {
    setPeopleOpen(false);
  }, []);
  const choose = (avatar: AvatarSummary): Promise<void> => {
    rememberChoice(avatar);
    setPeopleOpen(false);
    return controller.choose(avatar);
  };
  const onMade = async (made: MadeAvatar): Promise<void> => {
    await choose(made);
    const hint = stillFaceHint(made);
    if (hint !== null) controller.notice("made_still", hint);
  };
  const onDeleted = (avatarId: string, left: AvatarSummary[]): void => {
    const next = chooseAvatar(left, { avatar: null, model: null, lastAvatar: null });
    if (!next || avatarId !== setup?.avatar.id) return;
    rememberChoice(next);
    void controller.choose(next, false);
  };

  // The stage has the avatar's own shape, and the dock keeps within its width.
  const shape = setup ? ({ "--ratio": String(setup.avatar.width / setup.avatar.height) } as CSSProperties) : undefined;
  return (
    <main className="page" style={shape}>
      <Backdrop preview={preview} />
      {link.phase === "loading" && <div className="stage stage-waiting" aria-hidden="true" />}
      {setup && preview && (
        <Stage
          name={name}
          preview={preview}
          link={link}
          stream={stream}
          silenced={state.silenced}
          soundOff={soundOff}
          mood={moodOf(state)}
          onLevel={voice.microphone.onLevel}
          onFirstFrame={onFirstFrame}
        />
      )}
      <TopBar
        state={state}
        controller={controller}
        microphone={microphone}
        soundOff={soundOff}
        onSoundOff={setSoundOff}
        captionsOn={captionsOn}
        onCaptions={setCaptionsOn}
        onPeople={() => {
          setPeopleOpen(true);
        }}
      />
      <Dock
        state={state}
        cast={cast}
        controller={controller}
        voice={voice}
        microphone={microphone}
        soundOff={soundOff}
        onSoundOff={setSoundOff}
        captionsOn={captionsOn}
        client={client}
        onStop={stop}
      />
      {setup && (
        <People
          open={peopleOpen}
          avatars={setup.avatars}
          currentId={setup.avatar.id}
          cast={cast}
          previewUrl={client.previewUrl}
          talking={canWrite(link)}
          consentRequired={setup.health.require_consent}
          onChoose={(avatar) => void choose(avatar)}
          onMade={(made) => void onMade(made)}
          onDeleted={onDeleted}
          onClose={closePeople}
        />
      )}
    </main>
  );
}

function rememberChoice({ id }: AvatarSummary): void {
  keep("avatar", id);
  history.replaceState(null, "", location.pathname + searchAfterChoice(location.search, id) + location.hash);
}

interface PartProps {
  state: State;
  controller: SessionController;
  microphone: MicrophoneState;
  soundOff: boolean;
  onSoundOff: (off: boolean) => void;
  captionsOn: boolean;
}

interface TopBarProps extends PartProps {
  onCaptions: (on: boolean) => void;
  onPeople: () => void;
}

function TopBar({ state, controller, microphone, soundOff, onSoundOff, captionsOn, onCaptions, onPeople }: TopBarProps) {
  const t = useTranslate();
  const { setup } = state;
  return (
    <header className="top">
      <div className="top-begin">
        {setup && (
          <button type="button" className="pill people-pill" aria-haspopup="dialog" aria-label={t("people.open")} title={t("people.open")} data-testid="people-open" onClick={onPeople}>
            <PeopleIcon />
            <span className="people-pill-word">{t("people.open")}</span>
          </button>
        )}
        <StatusLine state={state} name={setup?.avatar.name ?? t("app.name")} microphone={microphoneStatus(microphone)} />
      </div>
      <div className="top-end">
        {setup && <WhoAnswers health={setup.health} name={setup.avatar.name} />}
        {setup && soundOff && (
          <button
            type="button"
            className="pill round-pill"
            aria-label={t("stage.sound", { name: setup.avatar.name })}
            title={t("stage.sound", { name: setup.avatar.name })}
            data-testid="sound-on"
            onClick={() => {
              onSoundOff(false);
            }}
          >
            <SoundOffIcon />
          </button>
        )}
        <button
          type="button"
          className="pill round-pill"
          aria-pressed={captionsOn}
          aria-label={t("captions.toggle")}
          title={t("captions.toggle")}
          data-testid="captions-toggle"
          onClick={() => {
            onCaptions(!captionsOn);
          }}
        >
          <CaptionsIcon />
        </button>
      </div>
      {setup && <AiLabel words={setup.health.ai_label} />}
      <Notices
        notices={state.notices}
        onDismiss={(key) => {
          controller.dismiss(key);
        }}
      />
      {state.expiresInSeconds !== null && (
        <div className="notice" role="note" data-testid="expiring">
          <p>{t("notice.expiring", { seconds: state.expiresInSeconds })}</p>
        </div>
      )}
      {setup && <Hints setup={setup} />}
    </header>
  );
}

interface DockProps extends PartProps {
  client: ApiClient;
  cast: Cast;
  voice: Voice;
  onStop: () => void;
}

function Dock({ state, client, cast, controller, voice, microphone, soundOff, onSoundOff, captionsOn, onStop }: DockProps) {
  const t = useTranslate();
  const { link, setup, turn, captions } = state;
  const name = setup?.avatar.name ?? t("app.character");
  const start = (): void => void controller.start();
  const access = useSyncExternalStore(client.access.subscribe, client.access.getState);
  const onKey = async (key: string): Promise<boolean> => {
    const opened = await client.access.enter(key);
    if (opened && !setup) await controller.reload();
    return opened;
  };
  return (
    <footer className="dock" data-alone={access.wanted && !setup}>
      {access.wanted && <KeyPrompt access={access} onKey={onKey} />}
      {link.phase === "ready" && setup && <Welcome avatar={setup.avatar} cast={cast} onStart={start} />}
      {canWrite(link) && (
        <>
          <CaptionLines captions={captions} visible={captionsOn} />
          <MicrophoneNote voice={voice} state={microphone} />
          <Composer name={name} busy={turn !== null} onSend={(outgoing) => void controller.send(outgoing)} onStop={onStop}>
            <div className="microphone-place">
              <MicrophoneButton voice={voice} state={microphone} />
              <MicrophonePanel voice={voice} state={microphone} name={name} soundOff={soundOff} onSoundOff={onSoundOff} />
            </div>
          </Composer>
        </>
      )}
      {!access.wanted && (link.phase === "failed" || link.phase === "ended") && <OverPanel link={link} onStart={start} />}
    </footer>
  );
}

function useEscape(action: () => void, active: boolean): void {
  useEffect(() => {
    if (!active) return;
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && !isComposing(event)) action();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => {
      window.removeEventListener("keydown", onKeyDown);
    };
  }, [action, active]);
}

function useCaptionsWish(): [boolean, (on: boolean) => void] {
  const [on, setOn] = useState(() => recall("captions") !== "off");
  const set = (next: boolean): void => {
    keep("captions", next ? "on" : "off");
    setOn(next);
  };
  return [on, set];
}
