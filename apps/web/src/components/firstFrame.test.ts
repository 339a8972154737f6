import { describe, expect, it } from "vitest";
import { watchFirstFrame } from "./firstFrame";

type Callback = Parameters<NonNullable<Parameters<typeof watchFirstFrame>[0]["requestVideoFrameCallback"]>>[0];

class Modern extends EventTarget {
  videoWidth = 0;
  waiting = new Map<number, Callback>();
  private handles = 0;
  requestVideoFrameCallback = (callback: Callback): number => {
    this.waiting.set((this.handles += 1), callback);
    return this.handles;
  };
  cancelVideoFrameCallback = (handle: number): void => {
    this.waiting.delete(handle);
  };
  shows(width: number): void {
    const callbacks = [...this.waiting.values()];
    this.waiting.clear();
    for (const callback of callbacks) callback(0, { width, height: width });
  }
}

class Older extends EventTarget {
  videoWidth = 0;
  shows(type: string, width: number): void {
    this.videoWidth = width;
    this.dispatchEvent(new Event(type));
  }
}

describe("watchFirstFrame", () => {
  it("tells the first real picture, once, and not the browser's placeholder", () => {
    const video = new Modern();
    let frames = 0;
    watchFirstFrame(video, () => (frames += 1));
    video.shows(2);
    expect(frames).toBe(0);
    video.shows(512);
    video.shows(512);
    expect(frames).toBe(1);
  });

  it("is silent after it was called off, also behind a placeholder", () => {
    const video = new Modern();
    let frames = 0;
    const stop = watchFirstFrame(video, () => (frames += 1));
    video.shows(2);
    stop();
    video.shows(512);
    expect(frames).toBe(0);
  });

  it("works in browsers without frame callbacks", () => {
    const video = new Older();
    let frames = 0;
    watchFirstFrame(video, () => (frames += 1));
    video.shows("loadeddata", 2);
    video.shows("resize", 512);
    video.shows("resize", 640);
    expect(frames).toBe(1);
  });
});
