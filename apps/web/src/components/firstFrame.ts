/** Calls back once when the element has decoded a picture of its current source. */
export function watchFirstFrame(element: HTMLVideoElement, onFrame: () => void): () => void {
  if ("requestVideoFrameCallback" in element) {
    const handle = element.requestVideoFrameCallback(() => {
      onFrame();
    });
    return () => {
      element.cancelVideoFrameCallback(handle);
    };
  }
  const older: HTMLVideoElement = element;
  older.addEventListener("loadeddata", onFrame, { once: true });
  return () => {
    older.removeEventListener("loadeddata", onFrame);
  };
}
