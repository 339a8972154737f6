/** When a sound ended, told from the level meter that browsers keep for each track. */

/** Below this, 50 dB under full scale, nobody hears a voice. */
const INAUDIBLE = 0.003;
/**
 * libwebrtc tells the peak of the last 110 ms, but never less than a quarter of the peak before
 * (`AudioLevel::ComputeLevel`): a fall by a quarter, give or take the rounding, is a span of silence.
 */
const SILENT_FALL = 0.26;

/** Takes the readings of one meter, one after another. */
export class Fading {
  private level: number | null = null;
  private loudUntil = 0;

  /** The time at which the sound had ended, at most, or null while it goes on; `at` is this reading's time. */
  take(level: number, at: number): number | null {
    const before = this.level;
    this.level = level;
    if (level < INAUDIBLE) return this.loudUntil;
    if (before === null || level === before) return null;
    if (level <= before * SILENT_FALL) return this.loudUntil;
    this.loudUntil = at;
    return null;
  }
}
