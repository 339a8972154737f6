import { useEffect, useId, useRef, useState } from "react";
import { useTranslate } from "../i18n";
import type { MicrophoneState, Mode } from "../session/microphoneState";
import type { Voice } from "../session/voice";
import { MoreIcon } from "./icons";
import { useLevel } from "./useLevel";

const MODES: Mode[] = ["auto", "push_to_talk", "off"];

interface Props {
  voice: Voice;
  state: MicrophoneState;
  name: string;
  soundOff: boolean;
  onSoundOff: (off: boolean) => void;
}

/** The small button beside the microphone and what it opens: how to talk, which microphone, the avatar's sound. */
export function MicrophonePanel(props: Props) {
  const t = useTranslate();
  const [open, setOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (!open) return;
    const onPointer = (event: PointerEvent): void => {
      if (event.target instanceof Node && !place.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", onPointer);
    return () => {
      document.removeEventListener("pointerdown", onPointer);
    };
  }, [open]);

  return (
    <div
      className="microphone-more"
      ref={place}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        // This Escape closes the panel; it does not stop the avatar as well.
        event.stopPropagation();
        setOpen(false);
        opener.current?.focus();
      }}
      onBlur={(event) => {
        if (event.relatedTarget instanceof Node && !event.currentTarget.contains(event.relatedTarget)) setOpen(false);
      }}
    >
      <button
        ref={opener}
        type="button"
        className="microphone-opener"
        aria-expanded={open}
        aria-haspopup="dialog"
        aria-label={t("mic.more")}
        title={t("mic.more")}
        data-testid="microphone-more"
        onClick={() => {
          setOpen(!open);
        }}
      >
        <MoreIcon />
      </button>
      {open && <Panel {...props} />}
    </div>
  );
}

function Panel({ voice, state, name, soundOff, onSoundOff }: Props) {
  const t = useTranslate();
  const group = useId();
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => {
    panel.current?.querySelector<HTMLElement>("input:checked")?.focus();
  }, []);
  return (
    <div className="sheet microphone-panel" role="dialog" aria-label={t("mic.more")} ref={panel} data-testid="microphone-panel">
      <fieldset>
        <legend>{t("mic.mode")}</legend>
        {MODES.map((mode) => (
          <label className="choice" key={mode}>
            <input
              type="radio"
              name={group}
              checked={state.mode === mode}
              data-testid={`mode-${mode}`}
              onChange={() => void voice.microphone.setMode(mode)}
            />
            <span>
              <b>{t(`mic.mode.${mode}`)}</b>
              <small>{t(`mic.mode.${mode}.hint`)}</small>
            </span>
            {mode !== "off" && <kbd>{t(`mic.key.${mode}`)}</kbd>}
          </label>
        ))}
      </fieldset>
      <Devices voice={voice} state={state} />
      <label className="choice">
        <input
          type="checkbox"
          role="switch"
          checked={!soundOff}
          data-testid="sound-switch"
          onChange={(event) => {
            onSoundOff(!event.target.checked);
          }}
        />
        <b>{t("sound.of", { name })}</b>
      </label>
    </div>
  );
}

function Devices({ voice, state }: { voice: Voice; state: MicrophoneState }) {
  const t = useTranslate();
  const label = useId();
  const meter = useLevel<HTMLDivElement>(voice.microphone.onLevel);
  // Before the person has allowed a microphone, browsers name none.
  const named = state.devices.filter((device) => device.label !== "");
  if (named.length === 0) return null;
  return (
    <div className="field">
      <label htmlFor={label}>{t("mic.device")}</label>
      <select
        id={label}
        value={state.device?.id ?? ""}
        data-testid="microphone-device"
        onChange={(event) => {
          const chosen = named.find(({ id }) => id === event.target.value);
          if (chosen) void voice.microphone.choose(chosen);
        }}
      >
        {state.device === null && <option value="">{t("mic.device.choose")}</option>}
        {named.map((device) => (
          <option key={device.id} value={device.id}>
            {device.label}
          </option>
        ))}
      </select>
      {state.phase === "open" && <div className="meter" ref={meter} aria-hidden="true" data-testid="meter" />}
    </div>
  );
}
