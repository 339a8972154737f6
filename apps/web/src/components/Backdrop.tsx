import { useEffect, useState } from "react";

const COARSE = 8;
const SMOOTH = 96;

/**
 * The colours of the avatar, spread over the window. They are sampled once into a tiny picture: a live
 * blur filter would be computed again for every video frame.
 */
export function Backdrop({ preview }: { preview: string | null }) {
  const [colours, setColours] = useState<string | null>(null);

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
      <div className="backdrop-colours" data-visible={colours !== null} style={colours ? { backgroundImage: `url(${colours})` } : undefined} />
    </div>
  );
}

function sample(image: HTMLImageElement): string | null {
  let source: CanvasImageSource = image;
  // Down to a few pixels, then up in steps: each step smooths, so that no grid remains.
  for (const side of [64, COARSE, COARSE * 2, COARSE * 4, SMOOTH]) {
    const canvas = document.createElement("canvas");
    canvas.width = side;
    canvas.height = side;
    const context = canvas.getContext("2d");
    if (!context) return null;
    context.imageSmoothingQuality = "high";
    context.drawImage(source, 0, 0, side, side);
    source = canvas;
  }
  return source instanceof HTMLCanvasElement ? source.toDataURL("image/png") : null;
}
