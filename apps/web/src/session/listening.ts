/** Tells the server how it is to listen: one request at a time, and the last wish wins. */

import { ApiError, type Listening as Wish } from "../api/client";

export interface Failed {
  error: unknown;
  wish: Wish;
  /** The server said no; else it may or may not do what was asked for. */
  refused: boolean;
}

export class Listening {
  /**
   * What the server does, null where that is uncertain; before anybody says something there is no microphone for it
   * to hear.
   */
  private known: Required<Wish> | null = { turn_taking: "off", talking: false };
  private wanted: Required<Wish> = { turn_taking: "off", talking: false };
  private running = false;

  constructor(
    private readonly post: (wish: Wish) => Promise<void>,
    private readonly onFailed: (failure: Failed) => void,
    /** There is nothing more to ask for. */
    private readonly onSettled: () => void = () => undefined,
  ) {}

  /** What the server refused is not asked for twice; what may not have come to it is. */
  want(wanted: Required<Wish>): void {
    if (!differs(wanted, this.wanted) && this.known) return;
    this.wanted = wanted;
    if (!this.running) void this.run();
  }

  private async run(): Promise<void> {
    this.running = true;
    for (let aim = this.wanted; differs(aim, this.known); aim = this.wanted) {
      const wish = difference(aim, this.known);
      try {
        await this.post(wish);
        this.known = aim;
      } catch (error) {
        // A request whose answer got lost may have been carried out.
        const refused = isRefusal(error);
        if (!refused) this.known = null;
        this.onFailed({ error, wish, refused });
        // The same is not asked for again by itself.
        if (!differs(this.wanted, aim)) break;
      }
    }
    this.running = false;
    this.onSettled();
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && error.status >= 400 && error.status < 500;
}

function differs(one: Required<Wish>, other: Required<Wish> | null): boolean {
  return one.turn_taking !== other?.turn_taking || one.talking !== other.talking;
}

/** The button belongs to push-to-talk; a change of the way of talking lets go of it, and leaves no room for a word of it. */
function difference({ turn_taking, talking }: Required<Wish>, known: Required<Wish> | null): Wish {
  if (turn_taking !== "push_to_talk") return { turn_taking };
  return { ...(turn_taking === known?.turn_taking ? {} : { turn_taking }), ...(talking === known?.talking ? {} : { talking }) };
}
