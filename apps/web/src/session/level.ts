/** How loud the microphone is: what its meter shows, and whether it gives anything at all. */

/** The meter's lower end, in decibels below full scale. */
const FLOOR_DB = -60;
/** Even in a quiet room a microphone that works is above this (−80 dB, three steps of 16 bits). */
const NO_SIGNAL = 0.0001;
const NO_SIGNAL_AFTER_MS = 6_000;

/** Where the meter stands for a peak of 0 to 1: 0 at −60 dB, 1 at full scale. */
export function meterPosition(peak: number): number {
  if (peak <= 0) return 0;
  return Math.max(0, Math.min(1, 1 - (20 * Math.log10(peak)) / FLOOR_DB));
}

/** Notices a microphone that is on and gives no signal. */
export class SignalWatch {
  private silentSince: number | null = null;

  /** True once there was no signal for six seconds; `at` in milliseconds. */
  isSilent(peak: number, at: number): boolean {
    if (peak >= NO_SIGNAL) {
      this.silentSince = null;
      return false;
    }
    this.silentSince ??= at;
    return at - this.silentSince >= NO_SIGNAL_AFTER_MS;
  }

  reset(): void {
    this.silentSince = null;
  }
}
