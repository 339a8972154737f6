/** When which word of a caption is shown: pure functions of the chunk and the time since its sound began. */

import type { SubtitleChunk } from "../api/events";

export interface CaptionLine {
  chunk: SubtitleChunk;
  /** Local clock when the chunk's sound is heard (arrival plus playout delay). */
  startsAt: number;
}

/** What the caption area shows: either the user's words or the avatar's, never both. */
export interface Captions {
  /** The user's own text, shown until the avatar begins to speak. */
  own: string;
  lines: CaptionLine[];
  /** Local clock at which revealing stopped (an interrupt), or null. */
  cutAt: number | null;
  /** Local clock at which the turn's sound ended, or null while it goes on. */
  endedAt: number | null;
}

export const noCaptions: Captions = { own: "", lines: [], cutAt: null, endedAt: null };

export interface Reveal {
  /** Text of the turn that has been heard by now. */
  spoken: string;
  /** The rest of the chunk being spoken: it keeps its place in the layout but is not shown. */
  ahead: string;
  /** Milliseconds until the next change, or null when nothing more will change by itself. */
  nextInMs: number | null;
}

interface Step {
  /** Offset in the chunk's text up to which this step reveals. */
  end: number;
  /** Milliseconds after the chunk's start. */
  atMs: number;
}

/** The moments at which a chunk shows more of its text, in order. */
export function steps(chunk: SubtitleChunk): Step[] {
  return timedSteps(chunk) ?? evenSteps(chunk);
}

function timedSteps(chunk: SubtitleChunk): Step[] | null {
  const first = chunk.words[0];
  if (!first) return null;
  // Word times share the clock of `start_ms`; a server that counts from the chunk's start is understood too.
  const origin = first.start_ms >= chunk.start_ms ? chunk.start_ms : 0;
  const found: { begin: number; atMs: number }[] = [];
  let cursor = 0;
  for (const word of chunk.words) {
    const begin = chunk.text.indexOf(word.text, cursor);
    if (begin < 0) continue;
    cursor = begin + word.text.length;
    found.push({ begin, atMs: Math.max(0, word.start_ms - origin) });
  }
  if (found.length === 0) return null;
  // Punctuation behind a word appears with it, so each step reaches to the beginning of the next word.
  return found.map((word, index) => ({ end: found[index + 1]?.begin ?? chunk.text.length, atMs: index === 0 ? 0 : word.atMs }));
}

const wideScript = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]/u;

/** Without word times: the chunk's time is spread over its words (or characters, in Chinese) by length. */
function evenSteps(chunk: SubtitleChunk): Step[] {
  const pieces = chunk.text.match(wideScript.test(chunk.text) ? /[\s\S]/gu : /\s*\S+\s*/gu) ?? [];
  const total = chunk.text.length || 1;
  const durationMs = Math.max(0, chunk.end_ms - chunk.start_ms);
  let end = 0;
  return pieces.map((piece) => {
    const atMs = (end / total) * durationMs;
    end += piece.length;
    return { end, atMs };
  });
}

/** What is shown at the local time `now`. */
export function reveal(captions: Captions, now: number): Reveal {
  const { lines, cutAt, endedAt } = captions;
  const at = cutAt === null ? now : Math.min(now, cutAt);
  // When the sound has ended by itself, everything has been said, whatever the timings were.
  const complete = endedAt !== null && cutAt === null && at >= endedAt;
  const current = complete ? lines.length - 1 : lines.findLastIndex((line) => at >= line.startsAt);
  const before = lines.slice(0, Math.max(0, current));
  const { spoken, ahead, nextInMs } = heard(lines[current], complete ? Infinity : at);
  const due = [nextInMs, waitFor(lines[current + 1]?.startsAt, at), complete ? null : waitFor(endedAt, at)];
  return {
    spoken: before.map((line) => line.chunk.text).join("") + spoken,
    ahead,
    nextInMs: cutAt === null ? soonest(due) : null,
  };
}

/** How much of a chunk has been heard at a time, and when more will be. */
function heard(line: CaptionLine | undefined, at: number): Reveal {
  if (!line) return { spoken: "", ahead: "", nextInMs: null };
  const { text } = line.chunk;
  let end = 0;
  for (const step of steps(line.chunk)) {
    const wait = line.startsAt + step.atMs - at;
    if (wait > 0) return { spoken: text.slice(0, end), ahead: text.slice(end), nextInMs: wait };
    end = step.end;
  }
  return { spoken: text, ahead: "", nextInMs: null };
}

function waitFor(time: number | null | undefined, at: number): number | null {
  return time === null || time === undefined ? null : time - at;
}

function soonest(waits: (number | null)[]): number | null {
  const known = waits.filter((wait) => wait !== null);
  return known.length === 0 ? null : Math.max(0, Math.min(...known));
}
