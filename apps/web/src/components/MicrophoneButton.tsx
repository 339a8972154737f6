import { type KeyboardEvent, type MouseEvent, type PointerEvent, useRef } from "react";
import { useTranslate } from "../i18n";
import type { MicrophoneState } from "../session/microphoneState";
import { isHearing, microphoneStatus } from "../session/microphoneState";
import type { Voice } from "../session/voice";
import { MicrophoneIcon, MicrophoneOffIcon } from "./icons";
import { useLevel } from "./useLevel";

/** Switches and mutes the microphone and shows its level; with push-to-talk it is held down. */
export function MicrophoneButton({ voice, state }: { voice: Voice; state: MicrophoneState }) {
  const t = useTranslate();
  const { microphone } = voice;
  const button = useLevel<HTMLButtonElement>(microphone.onLevel);
  const pressed = useRef(false);
  const status = microphoneStatus(state);
  const holds = state.phase === "open" && state.mode === "push_to_talk";

  const press = (): void => {
    pressed.current = true;
    voice.press();
  };
  const onPointerDown = (event: PointerEvent<HTMLButtonElement>): void => {
    if (!holds || event.button > 0) return;
    press();
    // Whoever slides off the button goes on talking.
    event.currentTarget.setPointerCapture(event.pointerId);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!holds || (event.key !== " " && event.key !== "Enter")) return;
    event.preventDefault();
    if (!event.repeat) press();
  };
  const onKeyUp = (event: KeyboardEvent): void => {
    if (!holds || (event.key !== " " && event.key !== "Enter")) return;
    event.preventDefault();
    // No click follows.
    pressed.current = false;
    voice.release();
  };
  const onClick = (event: MouseEvent): void => {
    const wasPressed = pressed.current;
    pressed.current = false;
    if (!holds) void microphone.toggle();
    // Without a key or pointer the click comes from assistive technology, which cannot hold a button.
    else if (!wasPressed && event.detail === 0) (state.held ? voice.release : voice.press)();
  };

  const off = status === "muted" || status === "problem";
  return (
    <>
      <button
        ref={button}
        type="button"
        className="round microphone"
        aria-label={t(holds ? "mic.hold" : "mic.label")}
        aria-pressed={isHearing(state)}
        title={t(`mic.action.${status}`)}
        data-testid="microphone"
        data-microphone={status}
        onPointerDown={onPointerDown}
        onPointerUp={voice.release}
        onPointerCancel={voice.release}
        onLostPointerCapture={voice.release}
        onContextMenu={(event) => {
          // A long touch is talking, not a menu.
          if (holds) event.preventDefault();
        }}
        onKeyDown={onKeyDown}
        onKeyUp={onKeyUp}
        onClick={onClick}
      >
        {off ? <MicrophoneOffIcon /> : <MicrophoneIcon />}
      </button>
      <span className="sr-only" role="status" data-testid="microphone-live">
        {/* What a screen reader says while the person talks would be heard, too. */}
        {t(`mic.status.${status === "held" ? "waiting" : status}`)}
      </span>
    </>
  );
}
