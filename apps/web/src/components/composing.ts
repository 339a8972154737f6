import type { KeyboardEvent } from "react";

/** What browsers report for a key that belongs to an input method. */
const INPUT_METHOD_KEY = 229;

/**
 * True for a key that an input method (for Chinese, say) uses itself, such as the Enter that takes a candidate.
 * Safari tells of the end of composing before that key comes, so that only the key's number gives it away.
 */
export function isComposing(event: KeyboardEvent | globalThis.KeyboardEvent): boolean {
  const native = "nativeEvent" in event ? event.nativeEvent : event;
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- nothing else tells it in Safari
  return native.isComposing || native.keyCode === INPUT_METHOD_KEY;
}
