import { useEffect } from "react";
import type { Voice } from "../session/voice";
import { isComposing } from "./composing";

/** Where letters are text or choose from a list. */
const TAKES_LETTERS = "textarea, select, input:not([type=radio]):not([type=checkbox]), [contenteditable], dialog";
/** Where the space bar has a meaning of its own. */
const TAKES_SPACE = `${TAKES_LETTERS}, button, a, input, summary`;

/** M switches the microphone, the space bar held down is push-to-talk; neither while the person writes. */
export function useVoiceKeys(voice: Voice, active: boolean): void {
  useEffect(() => {
    if (!active) return;
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isComposing(event)) return;
      if (event.key.toLowerCase() === "m" && !isIn(event.target, TAKES_LETTERS) && !event.repeat) void voice.microphone.toggle();
      if (event.key !== " " || isIn(event.target, TAKES_SPACE) || voice.microphone.getState().mode !== "push_to_talk") return;
      event.preventDefault();
      if (!event.repeat) voice.press();
    };
    const onKeyUp = (event: KeyboardEvent): void => {
      if (event.key === " ") voice.release();
    };
    const onHidden = (): void => {
      if (document.hidden) voice.release();
    };
    window.addEventListener("keydown", onKeyDown);
    window.addEventListener("keyup", onKeyUp);
    // A key or finger that is lifted elsewhere is not told to this page.
    window.addEventListener("blur", voice.release);
    document.addEventListener("visibilitychange", onHidden);
    return () => {
      voice.release();
      window.removeEventListener("keydown", onKeyDown);
      window.removeEventListener("keyup", onKeyUp);
      window.removeEventListener("blur", voice.release);
      document.removeEventListener("visibilitychange", onHidden);
    };
  }, [voice, active]);
}

function isIn(target: EventTarget | null, selector: string): boolean {
  return target instanceof Element && target.closest(selector) !== null;
}
