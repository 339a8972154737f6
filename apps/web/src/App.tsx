import { type CSSProperties, useCallback, useEffect, useState, useSyncExternalStore } from "react";
import type { ApiClient } from "./api/client";
import { Backdrop } from "./components/Backdrop";
import { CaptionLines } from "./components/CaptionLines";
import { Composer } from "./components/Composer";
import { Hints } from "./components/Hints";
import { CaptionsIcon, VideoIcon } from "./components/icons";
import { Notices } from "./components/Notices";
import { OverPanel } from "./components/OverPanel";
import { Stage } from "./components/Stage";
import { StatusLine } from "./components/StatusLine";
import { WhoAnswers } from "./components/WhoAnswers";
import { useTranslate } from "./i18n";
import type { SessionController } from "./session/controller";
import { type State, canWrite } from "./session/state";

interface Props {
  client: ApiClient;
  controller: SessionController;
}

export function App({ client, controller }: Props) {
  const t = useTranslate();
  const state = useSyncExternalStore(controller.subscribe, controller.getState);
  const stream = useSyncExternalStore(controller.subscribe, () => controller.stream);
  const [captionsOn, setCaptionsOn] = useCaptionsWish();
  const { setup, link, turn } = state;
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
  useEscape(stop);

  // The stage has the avatar's own shape, and the dock keeps within its width.
  const shape = setup ? ({ "--ratio": String(setup.avatar.width / setup.avatar.height) } as CSSProperties) : undefined;
  return (
    <main className="page" style={shape}>
      <Backdrop preview={preview} />
      {setup && preview && (
        <Stage
          name={name}
          preview={preview}
          link={link}
          stream={stream}
          silenced={state.silenced}
          thinking={turn?.phase === "thinking"}
          onFirstFrame={onFirstFrame}
        />
      )}
      <TopBar state={state} controller={controller} captionsOn={captionsOn} onCaptions={setCaptionsOn} />
      <Dock state={state} controller={controller} captionsOn={captionsOn} onStop={stop} />
    </main>
  );
}

interface PartProps {
  state: State;
  controller: SessionController;
  captionsOn: boolean;
}

function TopBar({ state, controller, captionsOn, onCaptions }: PartProps & { onCaptions: (on: boolean) => void }) {
  const t = useTranslate();
  const { setup } = state;
  return (
    <header className="top">
      <StatusLine state={state} name={setup?.avatar.name ?? t("app.name")} />
      <div className="top-end">
        {setup && <WhoAnswers health={setup.health} name={setup.avatar.name} />}
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

function Dock({ state, controller, captionsOn, onStop }: PartProps & { onStop: () => void }) {
  const t = useTranslate();
  const { link, setup, turn, captions } = state;
  const name = setup?.avatar.name ?? t("app.character");
  const start = (): void => void controller.start();
  return (
    <footer className="dock">
      {link.phase === "ready" && (
        <div className="welcome">
          <button type="button" className="wide primary start" data-testid="start" onClick={start}>
            <VideoIcon />
            {t("start.button", { name })}
          </button>
          <p className="pill">{t("start.hint", { name })}</p>
        </div>
      )}
      {canWrite(link) && (
        <>
          <CaptionLines captions={captions} visible={captionsOn} />
          <Composer name={name} busy={turn !== null} onSend={(outgoing) => void controller.send(outgoing)} onStop={onStop} />
        </>
      )}
      {(link.phase === "failed" || link.phase === "ended") && <OverPanel link={link} onStart={start} />}
    </footer>
  );
}

function useEscape(action: () => void): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && !event.isComposing) action();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => {
      window.removeEventListener("keydown", onKeyDown);
    };
  }, [action]);
}

const CAPTIONS_KEY = "opentalking.captions";

function useCaptionsWish(): [boolean, (on: boolean) => void] {
  const [on, setOn] = useState(() => localStorage.getItem(CAPTIONS_KEY) !== "off");
  const set = (next: boolean): void => {
    localStorage.setItem(CAPTIONS_KEY, next ? "on" : "off");
    setOn(next);
  };
  return [on, set];
}
