/** Tells the server how it is to listen: one request at a time, and the last wish wins. */

import type { Listening as Wish } from "../api/client";

export class Listening {
  /** What the server does; before anybody says something there is no microphone for it to hear. */
  private known: Required<Wish> = { turn_taking: "off", talking: false };
  private wanted = this.known;
  private running = false;

  constructor(
    private readonly post: (wish: Wish) => Promise<void>,
    private readonly onRefused: (error: unknown) => void,
  ) {}

  want(wanted: Required<Wish>): void {
    if (!differs(wanted, this.wanted)) return;
    this.wanted = wanted;
    if (!this.running) void this.run();
  }

  private async run(): Promise<void> {
    this.running = true;
    for (let aim = this.wanted; differs(aim, this.known); aim = this.wanted) {
      try {
        await this.post(difference(aim, this.known));
        this.known = aim;
      } catch (error) {
        this.onRefused(error);
        // The same is not asked for again before something changes.
        if (this.wanted === aim) break;
      }
    }
    this.running = false;
  }
}

function differs(one: Wish, other: Wish): boolean {
  return one.turn_taking !== other.turn_taking || one.talking !== other.talking;
}

function difference(wanted: Required<Wish>, known: Wish): Wish {
  const { turn_taking, talking } = wanted;
  return { ...(turn_taking === known.turn_taking ? {} : { turn_taking }), ...(talking === known.talking ? {} : { talking }) };
}
