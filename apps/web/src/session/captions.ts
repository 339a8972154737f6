/** When which word of a caption is shown: pure functions of the chunk and the time since its sound began. */

import type { SubtitleChunk } from "../api/events";

export interface CaptionLine {
  chunk: SubtitleChunk;
  /** Local clock when the chunk's sound is heard (arrival plus playout delay). */
  startsAt: number;
}

/** What the caption area shows: the user's words or the avatar's; both only while the user speaks into an answer. */
export interface Captions {
  /** The user's own text, shown until the avatar begins to speak. */
  own: string;
  /** The turn for which these words were heard; null for written ones. */
  ownTurn: string | null;
  /** The user is still speaking, so that these words may change. */
  ownPartial: boolean;
  lines: CaptionLine[];
  /** Local clock at which revealing stopped (an interrupt), or null. */
  cutAt: number | null;
  /** Local clock at which the turn's sound ended, or null while it goes on. */
  endedAt: number | null;
}

export const noCaptions: Captions = { own: "", ownTurn: null, ownPartial: false, lines: [], cutAt: null, endedAt: null };

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

/** Speed of an unhurried voice, for text whose times are not known. */
const LATIN_MS_PER_CHARACTER = 65;
const WIDE_MS_PER_CHARACTER = 220;
/** No voice is faster: times below this cannot be meant for the whole text. */
const FASTEST_SHARE = 0.3;

const wideScript = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]/u;

/**
 * The moments at which a chunk shows more of its text, in order. A chunk is announced when its sound
 * starts, and its end may not be synthesised by then: what has no times yet follows at the same pace.
 */
export function steps(chunk: SubtitleChunk): Step[] {
  const known = timedWords(chunk);
  const last = known.at(-1);
  if (!last) return paced(chunk.text, 0, 0, untimedPace(chunk));
  const rest = chunk.text.slice(last.end);
  // Punctuation appears with the word before it, so each step reaches to the beginning of the next word.
  const gap = /^[^\p{L}\p{N}]*/u.exec(rest)?.[0].length ?? 0;
  const timed = known.map((word, index) => ({
    end: known[index + 1]?.begin ?? last.end + gap,
    atMs: index === 0 ? 0 : word.fromMs,
  }));
  return [...timed, ...paced(rest.slice(gap), last.end + gap, last.toMs, measuredPace(chunk, known))];
}

interface TimedWord {
  begin: number;
  end: number;
  fromMs: number;
  toMs: number;
}

function timedWords(chunk: SubtitleChunk): TimedWord[] {
  // Word times share the clock of `start_ms`; a server that counts from the chunk's start is understood too.
  const origin = (chunk.words[0]?.start_ms ?? 0) >= chunk.start_ms ? chunk.start_ms : 0;
  const found: TimedWord[] = [];
  let cursor = 0;
  for (const word of chunk.words) {
    const begin = chunk.text.indexOf(word.text, cursor);
    if (begin < 0) continue;
    cursor = begin + word.text.length;
    found.push({ begin, end: cursor, fromMs: Math.max(0, word.start_ms - origin), toMs: Math.max(0, word.end_ms - origin) });
  }
  return found;
}

function usualPace(text: string): number {
  return wideScript.test(text) ? WIDE_MS_PER_CHARACTER : LATIN_MS_PER_CHARACTER;
}

function measuredPace(chunk: SubtitleChunk, known: TimedWord[]): number {
  const last = known.at(-1);
  return last && known.length > 2 ? last.toMs / last.end : usualPace(chunk.text);
}

function untimedPace(chunk: SubtitleChunk): number {
  const pace = (chunk.end_ms - chunk.start_ms) / (chunk.text.length || 1);
  const usual = usualPace(chunk.text);
  return pace >= usual * FASTEST_SHARE ? pace : usual;
}

/** Steps for the words (in Chinese: the characters) of a text, spread over time by their length. */
function paced(text: string, offset: number, fromMs: number, msPerCharacter: number): Step[] {
  const pieces = text.match(wideScript.test(text) ? /[\s\S]/gu : /\s*\S+\s*/gu) ?? [];
  let end = 0;
  return pieces.map((piece) => {
    const atMs = fromMs + end * msPerCharacter;
    end += piece.length;
    return { end: offset + end, atMs };
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
