/** The session's event stream: what can arrive, and how a raw message becomes a typed event. */

export interface CaptionWord {
  text: string;
  start_ms: number;
  end_ms: number;
}

export interface SubtitleChunk {
  text: string;
  is_final: boolean;
  start_ms: number;
  end_ms: number;
  words: CaptionWord[];
}

interface EventPayloads {
  transcript: { text: string; is_final: boolean };
  status: { stage: string; message: string };
  error: { code: string; message: string };
  "session.queued": { position: number; message: string };
  "session.expiring": { remaining_sec: number };
  "session.expired": { message: string };
  "session.terminated": { reason: string };
  "speech.started": { text: string };
  "speech.media_started": Record<string, never>;
  "subtitle.chunk": SubtitleChunk;
  "speech.ended": { reason: string };
}

export type EventName = keyof EventPayloads;

export type ServerEvent = {
  [N in EventName]: { name: N; turnId: string | null; data: EventPayloads[N] };
}[EventName];

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const text = (fields: Fields, key: string): string => {
  const value = fields[key];
  return typeof value === "string" ? value : "";
};
const number = (fields: Fields, key: string): number => {
  const value = fields[key];
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
};
const flag = (fields: Fields, key: string): boolean => fields[key] === true;

function words(fields: Fields): CaptionWord[] {
  const list = fields["words"];
  if (!Array.isArray(list)) return [];
  return list
    .filter(isFields)
    .map((word) => ({ text: text(word, "text"), start_ms: number(word, "start_ms"), end_ms: number(word, "end_ms") }))
    .filter((word) => word.text !== "");
}

const decoders: { [N in EventName]: (fields: Fields) => EventPayloads[N] } = {
  transcript: (f) => ({ text: text(f, "text"), is_final: flag(f, "is_final") }),
  status: (f) => ({ stage: text(f, "stage"), message: text(f, "message") }),
  error: (f) => ({ code: text(f, "code"), message: text(f, "message") }),
  "session.queued": (f) => ({ position: number(f, "position"), message: text(f, "message") }),
  "session.expiring": (f) => ({ remaining_sec: number(f, "remaining_sec") }),
  "session.expired": (f) => ({ message: text(f, "message") }),
  "session.terminated": (f) => ({ reason: text(f, "reason") }),
  "speech.started": (f) => ({ text: text(f, "text") }),
  "speech.media_started": () => ({}),
  "subtitle.chunk": (f) => ({
    text: text(f, "text"),
    is_final: flag(f, "is_final"),
    start_ms: number(f, "start_ms"),
    end_ms: number(f, "end_ms"),
    words: words(f),
  }),
  "speech.ended": (f) => ({ reason: text(f, "reason") }),
};

/** The events that the page listens to (`frame`, `llm` and `tts` are left to other clients). */
export const eventNames = Object.keys(decoders) as EventName[];

/** Decodes one message of the stream; null for anything that is not an object in JSON. */
export function parseEvent(name: EventName, raw: string): ServerEvent | null {
  let fields: unknown;
  try {
    fields = JSON.parse(raw);
  } catch {
    return null;
  }
  if (!isFields(fields)) return null;
  // The decoder table is keyed by name, so name and data always belong together.
  return { name, turnId: text(fields, "turn_id") || null, data: decoders[name](fields) } as ServerEvent;
}
