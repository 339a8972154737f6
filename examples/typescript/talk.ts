/** Talk with a character from a terminal; see ../README.md for the command. */

import { OpenTalking, type SessionEvent } from "../../apps/web/src/client";

declare const process: { argv: string[]; env: Record<string, string | undefined>; stdout: { write(text: string): void } };

const prompt = process.argv[2] ?? "Hello! Who are you?";
const server = new OpenTalking(process.env["OPENTALKING_URL"] ?? "http://127.0.0.1:8000", process.env["OPENTALKING_API_KEY"]);

const { default_model: model } = await server.call("get", "/models");
const { session_id } = await server.call("post", "/sessions", { json: { avatar_id: "demo-avatar", model } });
const session = { path: { session_id } };
try {
  const events = server.events(session_id);
  await ready(events);
  const { turn_id } = await server.call("post", "/sessions/{session_id}/chat", { ...session, json: { prompt } });
  for await (const event of events) {
    if (event.type === "subtitle.chunk") process.stdout.write(event.data.text); // as it is heard
    else if (event.type === "error") process.stdout.write(`\n[${event.data.code}: ${event.data.message}]\n`);
    else if (event.type === "speech.ended" && event.data.turn_id === turn_id) {
      process.stdout.write(`\n[${event.data.reason}]\n`);
      break;
    }
  }
} finally {
  await server.call("delete", "/sessions/{session_id}", session);
}

/** Waits until the session can talk; from then on nothing is missed. */
async function ready(events: AsyncGenerator<SessionEvent, void>): Promise<void> {
  for (;;) {
    const { value: event, done } = await events.next();
    if (done) throw new Error("the session ended before it could talk");
    if (event.type === "session.state_changed" && ["worker_ready", "ready", "speaking"].includes(event.data.state)) return;
  }
}
