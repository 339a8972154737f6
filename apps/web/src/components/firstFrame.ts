/** Chromium shows a placeholder of 2×2 pixels for a remote track before anything has arrived. */
export const PLACEHOLDER_SIDE = 2;

type Callback = (now: number, frame: { width: number; height: number }) => void;

interface FrameSource extends EventTarget {
  readonly videoWidth: number;
  requestVideoFrameCallback?: (callback: Callback) => number;
  cancelVideoFrameCallback?: (handle: number) => void;
}

/** Calls back once when the element shows the first decoded picture of its current source. */
export function watchFirstFrame(element: FrameSource, onFrame: () => void): () => void {
  let handle = 0;
  const next = (): void => {
    handle = element.requestVideoFrameCallback?.((_now, frame) => {
      if (frame.width > PLACEHOLDER_SIDE) onFrame();
      else next();
    }) ?? 0;
  };
  if (element.requestVideoFrameCallback) {
    next();
    return () => {
      element.cancelVideoFrameCallback?.(handle);
    };
  }
  const check = (): void => {
    if (element.videoWidth <= PLACEHOLDER_SIDE) return;
    stop();
    onFrame();
  };
  const stop = (): void => {
    element.removeEventListener("loadeddata", check);
    element.removeEventListener("resize", check);
  };
  element.addEventListener("loadeddata", check);
  element.addEventListener("resize", check);
  return stop;
}
