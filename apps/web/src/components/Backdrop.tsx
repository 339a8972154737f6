import { useEffect, useState } from "react";
import { useLayers } from "./useLayers";

const COARSE = 8;
const SMOOTH = 96;
/** Share of the picture's width that counts as its edge. */
const EDGE = 0.16;

/**
 * The colours of the avatar, spread over the window. They are sampled once into a tiny picture: a live
 * blur filter would be computed again for every video frame.
 */
export function Backdrop({ preview }: { preview: string | null }) {
  const [colours, setColours] = useState<string | null>(null);

  const layers = useLayers(colours);

  useEffect(() => {
    if (!preview) return;
    const image = new Image();
    let wanted = true;
    image.onload = () => {
      if (wanted) setColours(sample(image));
    };
    image.src = preview;
    return () => {
      wanted = false;
    };
  }, [preview]);

  return (
    <div className="backdrop" aria-hidden="true">
      {layers.map(({ key, value }) => value && <div key={key} className="backdrop-colours" style={{ backgroundImage: `url(${value})` }} />)}
    </div>
  );
}

function sample(image: HTMLImageElement): string | null {
  const { naturalWidth: width, naturalHeight: height } = image;
  const edge = width * EDGE;
  let picture = canvasOf(COARSE * 8, (context, side) => {
    // The outer strips only: the picture then seems to go on beyond its frame, without the face in it.
    context.drawImage(image, 0, 0, edge, height, 0, 0, side / 2, side);
    context.drawImage(image, width - edge, 0, edge, height, side / 2, 0, side / 2, side);
  });
  // Down to a few pixels, then up in steps: each step smooths, so that no grid remains.
  for (const side of [COARSE, COARSE * 2, COARSE * 4, SMOOTH]) {
    const source = picture;
    if (!source) return null;
    picture = canvasOf(side, (context) => {
      context.drawImage(source, 0, 0, side, side);
    });
  }
  return picture?.toDataURL("image/png") ?? null;
}

function canvasOf(side: number, draw: (context: CanvasRenderingContext2D, side: number) => void): HTMLCanvasElement | null {
  const canvas = document.createElement("canvas");
  canvas.width = side;
  canvas.height = side;
  const context = canvas.getContext("2d");
  if (!context) return null;
  context.imageSmoothingQuality = "high";
  draw(context, side);
  return canvas;
}
