import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useTranslate } from "../i18n";
import { type Captions, type Reveal, reveal } from "../session/captions";

/** How long the last words stay after the voice has ended. */
const LINGER_MS = 3_500;
const LINES = 2;
/** Stands where an answer was cut off. */
const CUT_MARK = "—";
/** Follows words that may still change. */
const NOT_ALL = "…";

/** What is being said, word by word as it is heard, in a window of two lines. */
export function CaptionLines({ captions, visible }: { captions: Captions; visible: boolean }) {
  const t = useTranslate();
  const shown = useReveal(captions);
  const lingering = useLingering(captions.endedAt);
  const text = useRef<HTMLDivElement>(null);
  const edge = useRef<HTMLSpanElement>(null);

  useLayoutEffect(() => {
    if (text.current && edge.current) rollTo(text.current, edge.current);
  }, [shown.spoken, shown.ahead, captions.cutAt]);

  const last = captions.lines.at(-1)?.chunk.text ?? "";
  const speaking = captions.lines.length > 0 && lingering;
  return (
    <>
      <div className="sr-only" aria-live="polite" data-testid="caption-live">
        {captions.own && !captions.ownPartial ? `${t("captions.you")}: ${captions.own}` : last}
      </div>
      <div className="captions" aria-hidden="true" hidden={!visible} data-testid="captions">
        {captions.own && (
          <p className="caption caption-own" data-partial={captions.ownPartial}>
            <span className="caption-own-window">
              <span className="caption-own-words">
                <b>{t("captions.you")}</b> <span data-testid="caption-own">{captions.own}</span>
                {captions.ownPartial && NOT_ALL}
              </span>
            </span>
          </p>
        )}
        {speaking && shown.spoken && (
          <div className="caption">
            <div className="caption-window">
              <div className="caption-text" ref={text}>
                <span data-testid="caption">{shown.spoken}</span>
                {captions.cutAt !== null && <span className="caption-cut">{CUT_MARK}</span>}
                <span ref={edge} />
                <span className="caption-ahead">{shown.ahead}</span>
              </div>
            </div>
          </div>
        )}
      </div>
    </>
  );
}

/** Renders again exactly when the next word is due. */
function useReveal(captions: Captions): Reveal {
  const [shown, setShown] = useState<Reveal>(() => reveal(captions, performance.now()));
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const step = (): void => {
      const next = reveal(captions, performance.now());
      setShown(next);
      if (next.nextInMs !== null) timer = setTimeout(step, Math.max(8, next.nextInMs));
    };
    step();
    return () => {
      clearTimeout(timer);
    };
  }, [captions]);
  return shown;
}

function useLingering(endedAt: number | null): boolean {
  const [goneFor, setGoneFor] = useState<number | null>(null);
  useEffect(() => {
    if (endedAt === null) return;
    const timer = setTimeout(
      () => {
        setGoneFor(endedAt);
      },
      Math.max(0, endedAt + LINGER_MS - performance.now()),
    );
    return () => {
      clearTimeout(timer);
    };
  }, [endedAt]);
  return endedAt === null || goneFor !== endedAt;
}

/** Moves the text so that the line being spoken is the lower one of the window, which grows to two lines. */
function rollTo(text: HTMLElement, edge: HTMLElement): void {
  const lineHeight = Number.parseFloat(getComputedStyle(text).lineHeight);
  const line = Math.round(edge.offsetTop / lineHeight);
  text.style.transform = `translateY(${String(-Math.max(0, line - 1) * lineHeight)}px)`;
  if (text.parentElement) text.parentElement.style.height = `${String(Math.min(line + 1, LINES) * lineHeight)}px`;
}
