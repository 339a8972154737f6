import { describe, expect, it } from "vitest";
import type { SubtitleChunk } from "../api/events";
import { type Captions, noCaptions, reveal, steps } from "./captions";

function chunk(text: string, start_ms: number, end_ms: number, words: SubtitleChunk["words"] = []): SubtitleChunk {
  return { text, is_final: false, start_ms, end_ms, words };
}

const hello = chunk("Hello, dear world! ", 1_000, 2_500, [
  { text: "Hello", start_ms: 1_000, end_ms: 1_400 },
  { text: "dear", start_ms: 1_500, end_ms: 1_800 },
  { text: "world", start_ms: 1_800, end_ms: 2_500 },
]);
const speaking = (lines: Captions["lines"]): Captions => ({ ...noCaptions, lines });

describe("reveal", () => {
  it("shows each word when it is heard, with the punctuation behind it", () => {
    const captions = speaking([{ chunk: hello, startsAt: 100 }]);
    expect(reveal(captions, 50)).toEqual({ spoken: "", ahead: "", nextInMs: 50 });
    expect(reveal(captions, 100)).toEqual({ spoken: "Hello, ", ahead: "dear world! ", nextInMs: 500 });
    expect(reveal(captions, 600)).toEqual({ spoken: "Hello, dear ", ahead: "world! ", nextInMs: 300 });
    expect(reveal(captions, 900)).toEqual({ spoken: "Hello, dear world! ", ahead: "", nextInMs: null });
  });

  it("waits for the sound of the next chunk and keeps what was said before it", () => {
    const next = chunk("Bye.", 2_500, 3_000, [{ text: "Bye", start_ms: 2_500, end_ms: 3_000 }]);
    const captions = speaking([
      { chunk: hello, startsAt: 100 },
      { chunk: next, startsAt: 1_600 },
    ]);
    expect(reveal(captions, 1_000)).toEqual({ spoken: "Hello, dear world! ", ahead: "", nextInMs: 600 });
    expect(reveal(captions, 1_600)).toEqual({ spoken: "Hello, dear world! Bye.", ahead: "", nextInMs: null });
  });

  it("stops at the cut of an interrupt for good", () => {
    const captions = { ...speaking([{ chunk: hello, startsAt: 100 }]), cutAt: 650, endedAt: 650 };
    expect(reveal(captions, 5_000)).toEqual({ spoken: "Hello, dear ", ahead: "world! ", nextInMs: null });
  });

  it("shows everything once the sound has ended by itself", () => {
    const captions = { ...speaking([{ chunk: hello, startsAt: 100 }]), endedAt: 700 };
    expect(reveal(captions, 650).nextInMs).toBe(50);
    expect(reveal(captions, 700)).toEqual({ spoken: "Hello, dear world! ", ahead: "", nextInMs: null });
  });

  it("has nothing to show without chunks", () => {
    expect(reveal(noCaptions, 10)).toEqual({ spoken: "", ahead: "", nextInMs: null });
  });
});

describe("steps", () => {
  it("always ends at the end of the text", () => {
    const texts = [hello, chunk("no word times here", 0, 900), chunk("你好，世界。", 0, 600), chunk("  ", 0, 10), chunk("x", 5, 5)];
    for (const one of texts) {
      const all = steps(one);
      expect(all.at(-1)?.end ?? one.text.length).toBe(one.text.length);
      expect(all.map((step) => step.atMs)).toEqual(all.map((step) => step.atMs).toSorted((a, b) => a - b));
    }
  });

  it("spreads a Chinese chunk without word times over its characters", () => {
    expect(steps(chunk("你好吗", 0, 300)).map((step) => step.atMs)).toEqual([0, 100, 200]);
  });

  it("lets words without times follow at the pace of those before them", () => {
    const growing = chunk("aa bb cc, dd ee", 0, 800, [
      { text: "aa", start_ms: 0, end_ms: 200 },
      { text: "bb", start_ms: 300, end_ms: 500 },
      { text: "cc", start_ms: 600, end_ms: 800 },
    ]);
    expect(steps(growing)).toEqual([
      { end: 3, atMs: 0 },
      { end: 6, atMs: 300 },
      { end: 10, atMs: 600 },
      { end: 13, atMs: 800 },
      { end: 15, atMs: 1_100 },
    ]);
  });

  it("does not believe times that are too short for the text", () => {
    const all = steps(chunk("Nobody says that in ten milliseconds.", 500, 510));
    expect(all.at(-1)?.atMs).toBeGreaterThan(1_000);
  });

  it("understands word times that count from the chunk's own start", () => {
    const relative = chunk("one two", 4_000, 5_000, [
      { text: "one", start_ms: 0, end_ms: 300 },
      { text: "two", start_ms: 400, end_ms: 1_000 },
    ]);
    expect(steps(relative)).toEqual([
      { end: 4, atMs: 0 },
      { end: 7, atMs: 400 },
    ]);
  });

  it("finds repeated words in order and leaves out words that the text does not have", () => {
    const repeated = chunk("no, no way", 0, 900, [
      { text: "no", start_ms: 0, end_ms: 200 },
      { text: "NOWHERE", start_ms: 200, end_ms: 300 },
      { text: "no", start_ms: 300, end_ms: 500 },
      { text: "way", start_ms: 600, end_ms: 900 },
    ]);
    expect(steps(repeated)).toEqual([
      { end: 4, atMs: 0 },
      { end: 7, atMs: 300 },
      { end: 10, atMs: 600 },
    ]);
  });
});
