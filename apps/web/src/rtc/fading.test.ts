import { describe, expect, it } from "vitest";
import { Fading } from "./fading";

/** The time that is told for readings 20 ms apart, or null if none of them tells one. */
function silentAfter(...levels: number[]): number | null {
  const fading = new Fading();
  for (const [index, level] of levels.entries()) {
    const found = fading.take(level, index * 20);
    if (found !== null) return found;
  }
  return null;
}

describe("Fading", () => {
  it("finds the end of a voice in the first span that is a quarter of the one before", () => {
    expect(silentAfter(0.5, 0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.1)).toBe(40);
  });

  it("takes a voice that gets softer for one that goes on", () => {
    expect(silentAfter(0.5, 0.3, 0.2, 0.1, 0.05)).toBeNull();
  });

  it("says zero where nothing was heard, or nothing more", () => {
    expect(silentAfter(0.001)).toBe(0);
    expect(silentAfter(0.4, 0.4, 0.1)).toBe(0);
  });
});
