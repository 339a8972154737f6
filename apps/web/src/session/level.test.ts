import { describe, expect, it } from "vitest";
import { SignalWatch, meterPosition } from "./level";

describe("meterPosition", () => {
  it.each([
    [1, 1],
    [0.001, 0],
    [0.0316228, 0.5],
    [0, 0],
    [2, 1],
  ])("puts a peak of %d at %d", (peak, position) => {
    expect(meterPosition(peak)).toBeCloseTo(position, 3);
  });
});

describe("SignalWatch", () => {
  it("notices six seconds without any signal", () => {
    const watch = new SignalWatch();
    expect([0, 3_000, 5_999, 6_000, 9_000].map((at) => watch.isSilent(0, at))).toEqual([false, false, false, true, true]);
  });

  it("hears the noise of a quiet room, and begins again after it", () => {
    const watch = new SignalWatch();
    watch.isSilent(0, 0);
    expect(watch.isSilent(0.0002, 5_000)).toBe(false);
    expect([watch.isSilent(0, 5_100), watch.isSilent(0, 11_000), watch.isSilent(0, 11_100)]).toEqual([false, false, true]);
  });
});
