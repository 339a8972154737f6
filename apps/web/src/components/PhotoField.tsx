import { type RefObject, useEffect, useId, useRef, useState } from "react";
import { useTranslate } from "../i18n";
import { PHOTO_TYPES, type PhotoProblem } from "../session/photo";
import { PhotoIcon } from "./icons";

interface Props {
  photo: File | null;
  problem: PhotoProblem | "missing" | null;
  busy: boolean;
  onPhoto: (file: File) => void;
}

/** Chooses a photo and shows it; it may also be dropped here. */
export function PhotoField({ photo, problem, busy, onPhoto }: Props) {
  const t = useTranslate();
  const fault = useId();
  const picture = usePicture(photo);
  const [over, setOver] = useState(false);
  const enter = (): void => {
    setOver(true);
  };
  const leave = (): void => {
    setOver(false);
  };
  return (
    <div className="photo">
      <label className="photo-place" data-over={over} data-busy={busy} onDragEnter={enter} onDragLeave={leave} onDrop={leave}>
        <input
          className="sr-only"
          type="file"
          name="photo"
          accept={PHOTO_TYPES}
          disabled={busy}
          aria-invalid={problem !== null}
          aria-describedby={problem ? fault : undefined}
          data-testid="make-photo"
          onChange={(event) => {
            const file = event.target.files?.[0];
            if (file) onPhoto(file);
            // The same file may be chosen again.
            event.target.value = "";
          }}
        />
        {photo && <img ref={picture} alt={t("make.photo.alt")} data-testid="make-picture" />}
        <span className={photo ? "photo-again" : "photo-words"}>
          <PhotoIcon />
          <b>{t(photo ? "make.photo.change" : "make.photo")}</b>
          {!photo && <span>{t("make.photo.hint")}</span>}
        </span>
      </label>
      {problem && (
        <p className="fault" id={fault} role="alert" data-testid="photo-fault">
          {t(`make.photo.${problem}`)}
        </p>
      )}
    </div>
  );
}

/** Where the chosen file is shown; the address made for it goes with it. */
function usePicture(photo: File | null): RefObject<HTMLImageElement | null> {
  const picture = useRef<HTMLImageElement>(null);
  useEffect(() => {
    if (!photo || !picture.current) return;
    const address = URL.createObjectURL(photo);
    picture.current.src = address;
    return () => {
      URL.revokeObjectURL(address);
    };
  }, [photo]);
  return picture;
}
