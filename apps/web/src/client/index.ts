/**
 * A client of the OpenTalking API for browsers and Node.js, typed by the generated schema.
 *
 *     const server = new OpenTalking("http://127.0.0.1:8000");
 *     const { session_id } = await server.call("post", "/sessions", { json: { avatar_id: "demo-avatar", model: "portrait" } });
 *     for await (const event of server.events(session_id)) console.log(event.type, event.data);
 */

import { AudioStream, type Opening } from "./audio";
import { type Following, type SessionEvent, follow } from "./events";
import { Http } from "./http";

export { AudioStream, type Opening } from "./audio";
export { ApiError, StreamClosed } from "./errors";
export type { Following, SessionEvent } from "./events";
export { type Answer, type Arguments, Http, type Method, type Options, type PathOf } from "./http";

export class OpenTalking extends Http {
  /** The session's events from now on, until it ends. */
  events(sessionId: string, following: Following = {}): AsyncGenerator<SessionEvent, void> {
    return follow(this, sessionId, following);
  }

  /** Sound that the face speaks as it arrives (`config`), or that is recognised and answered (`meta`). */
  streamAudio(sessionId: string, opening: Opening = { type: "config", sample_rate: 16_000 }): Promise<AudioStream> {
    return AudioStream.open(this.urlWithToken("/sessions/{session_id}/speak_audio_stream", { session_id: sessionId }), opening);
  }
}
