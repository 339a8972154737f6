import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useTranslate } from "../i18n";
import { type Link, stageOf } from "../session/state";
import { Portrait } from "./Portrait";
import { SoundIcon } from "./icons";
import { type LevelSource, useLevel } from "./useLevel";
import { useLayers } from "./useLayers";
import { PLACEHOLDER_SIDE, watchFirstFrame } from "./firstFrame";

interface Props {
  name: string;
  preview: string;
  link: Link;
  stream: MediaStream | null;
  /** No sound until the next speech begins. */
  silenced: boolean;
  /** The person wants no sound at all. */
  soundOff: boolean;
  /** What the ring of light around the picture tells. */
  mood: "idle" | "listening" | "thinking" | "speaking";
  onLevel: LevelSource;
  onFirstFrame: (stream: MediaStream) => void;
}

/** The face: the preview picture, the live video over it, and the last frame while a connection is renewed. */
export function Stage({ name, preview, link, stream, silenced, soundOff, mood, onLevel, onFirstFrame }: Props) {
  const t = useTranslate();
  const ring = useLevel<HTMLDivElement>(onLevel);
  const video = useRef<HTMLVideoElement>(null);
  const frozen = useRef<HTMLCanvasElement>(null);
  const [shown, setShown] = useState<MediaStream | null>(null);
  const [blocked, setBlocked] = useState(false);
  const previews = useLayers(preview);
  const reconnecting = link.phase === "reconnecting";

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    if (element.srcObject && stream) keepLastFrame(element, frozen.current);
    element.srcObject = stream;
    if (!stream) return;
    const stopWatching = watchFirstFrame(element, () => {
      setShown(stream);
      onFirstFrame(stream);
    });
    void play(element).then((audible) => {
      setBlocked(!audible);
    });
    return stopWatching;
  }, [stream, onFirstFrame]);

  useEffect(() => {
    if (reconnecting && video.current) keepLastFrame(video.current, frozen.current);
  }, [reconnecting]);

  // Before the next paint: whoever interrupts hears silence at once. The element plays on, muted, so that the
  // browser's echo cancellation goes on knowing what came out of the loudspeaker.
  useLayoutEffect(() => {
    if (video.current) video.current.muted = silenced || soundOff || blocked;
  }, [silenced, soundOff, blocked]);

  const unblock = (): void => {
    const element = video.current;
    if (!element) return;
    setBlocked(false);
    element.muted = silenced || soundOff;
    void play(element).then((audible) => {
      setBlocked(!audible);
    });
  };

  const live = stream !== null && shown === stream;
  // The last frame of a session belongs to it alone: the next one may show somebody else.
  const renewing = reconnecting || (link.phase === "live" && shown !== null && !live);
  return (
    <div
      className="stage"
      ref={ring}
      data-testid="stage"
      data-state={stageOf(link)}
      data-reconnecting={reconnecting}
      data-mood={mood}
      data-muted={silenced || soundOff}
    >
      <div className="stage-preview" aria-hidden={live}>
        {previews.map((layer) => (
          <Portrait key={layer.key} className="stage-picture" src={layer.value} name={name} alt={layer.value === preview ? t("stage.preview", { name }) : ""} />
        ))}
      </div>
      <canvas className="stage-picture stage-frozen" ref={frozen} data-visible={renewing} aria-hidden="true" />
      <video
        className="stage-picture stage-video"
        ref={video}
        data-testid="video"
        data-visible={live && !reconnecting}
        aria-label={t("stage.video", { name })}
        autoPlay
        playsInline
        disablePictureInPicture
      />
      {blocked && live && (
        <button type="button" className="pill stage-sound" data-testid="sound" onClick={unblock}>
          <SoundIcon />
          {t("stage.sound", { name })}
        </button>
      )}
    </div>
  );
}

/** Plays with sound; without it where the browser insists on a tap first. True if it is audible. */
async function play(element: HTMLVideoElement): Promise<boolean> {
  try {
    await element.play();
    return true;
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== "NotAllowedError") return true;
    element.muted = true;
    await element.play().catch(() => undefined);
    return false;
  }
}

function keepLastFrame(element: HTMLVideoElement, canvas: HTMLCanvasElement | null): void {
  // A connection that never showed a picture must not replace the last one that did.
  if (!canvas || element.videoWidth <= PLACEHOLDER_SIDE) return;
  canvas.width = element.videoWidth;
  canvas.height = element.videoHeight;
  canvas.getContext("2d")?.drawImage(element, 0, 0);
}
