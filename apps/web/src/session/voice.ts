/** Brings microphone and session together: what is sent, how the server listens, and what is reported back to it. */

import { type ApiClient, errorDetail } from "../api/client";
import type { SessionController } from "./controller";
import { type Failed, Listening } from "./listening";
import type { Microphone } from "./microphone";
import { wantedMode } from "./microphoneState";
import { type State, canWrite } from "./state";

type Client = Pick<ApiClient, "listen" | "reportPlayout">;

export class Voice {
  private seen: State;
  private sessionId: string | null = null;
  private listening: Listening | null = null;
  /** The server has taken the last press of push-to-talk. */
  private pressTaken = false;

  constructor(
    private readonly controller: SessionController,
    readonly microphone: Microphone,
    private readonly client: Client,
  ) {
    this.seen = controller.getState();
    controller.subscribe(this.onSession);
    microphone.subscribe(this.onMicrophone);
  }

  /** Push-to-talk goes down: the avatar is silent at once, and whatever is said now is heard. */
  press = (): void => {
    if (this.seen.link.phase !== "live" || !this.microphone.press()) return;
    this.pressTaken = false;
    this.controller.hush();
  };

  release = (): void => {
    this.microphone.release();
  };

  /** The page is going away: give back microphone and place. */
  leave(): void {
    this.microphone.close();
    this.controller.leave();
  }

  private readonly onSession = (): void => {
    const before = this.seen;
    const now = this.controller.getState();
    this.seen = now;
    if (!canWrite(now.link)) queueMicrotask(this.closeWhenOver);
    if (now.link.phase !== "live") this.microphone.release();
    if (now.silenced && !before.silenced && before.turn?.phase === "speaking" && before.turn.id) void this.reportSilence(before.turn.id);
    if (now.sessionId !== before.sessionId || now.link.phase !== before.link.phase) this.tell();
  };

  /** A conversation that only changes its character goes on a moment later, with the same microphone. */
  private readonly closeWhenOver = (): void => {
    const { phase } = this.microphone.getState();
    if (!canWrite(this.controller.getState().link) && phase !== "closed") this.microphone.close();
  };

  private readonly onMicrophone = (): void => {
    this.controller.setMicrophone(this.microphone.track);
    this.tell();
  };

  private tell(): void {
    const { sessionId, link } = this.controller.getState();
    if (sessionId === null || link.phase !== "live") return;
    if (sessionId !== this.sessionId) {
      this.sessionId = sessionId;
      this.listening = this.listeningOf(sessionId);
    }
    const state = this.microphone.getState();
    this.listening?.want({ turn_taking: wantedMode(state), talking: state.held });
  }

  private listeningOf(sessionId: string): Listening {
    const isCurrent = (): boolean => sessionId === this.controller.getState().sessionId;
    return new Listening(
      async (wish) => {
        await this.client.listen(sessionId, wish);
        if (wish.talking) this.pressTaken = true;
      },
      (failure) => {
        if (isCurrent()) this.onFailed(failure);
      },
      () => {
        if (isCurrent()) this.resumeUntaken();
      },
    );
  }

  private onFailed({ error, wish, refused }: Failed): void {
    this.resumeUntaken();
    // A microphone that the server will not listen to must not look as if it did.
    if (refused && wish.turn_taking && wish.turn_taking !== "off") this.microphone.close({ kind: "refused", detail: errorDetail(error) });
    else {
      this.microphone.release();
      this.controller.notice("listening_failed", errorDetail(error));
    }
  }

  /** Nobody but a press that came to the server ends the turn that this page has hushed. */
  private resumeUntaken(): void {
    if (!this.pressTaken) this.controller.resume();
  }

  private async reportSilence(turnId: string): Promise<void> {
    const { sessionId } = this.controller.getState();
    const after = await this.controller.peer?.silentAfterMs();
    if (sessionId === null || after === null || after === undefined) return;
    // Nothing depends on the figure but the server's own statistics.
    await this.client.reportPlayout(sessionId, turnId, Math.round(after)).catch(() => undefined);
  }
}
