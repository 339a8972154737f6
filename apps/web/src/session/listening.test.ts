import { describe, expect, it } from "vitest";
import { ApiError, type Listening as Wish } from "../api/client";
import { Listening } from "./listening";

const off = { turn_taking: "off", talking: false } as const;
const handsFree = { turn_taking: "auto", talking: false } as const;
const ready = { turn_taking: "push_to_talk", talking: false } as const;
const talking = { turn_taking: "push_to_talk", talking: true } as const;

/** Records what is posted, and answers when told to. */
class Server {
  posted: Wish[] = [];
  refusals: unknown[] = [];
  private waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  readonly listening = new Listening(
    (wish) => {
      this.posted.push(wish);
      return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
    },
    (error) => this.refusals.push(error),
  );

  async answers(error?: Error): Promise<void> {
    const next = this.waiting.shift();
    if (error) next?.reject(error);
    else next?.resolve();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

describe("Listening", () => {
  it("says nothing as long as there is no microphone", () => {
    const server = new Server();
    server.listening.want(off);
    expect(server.posted).toEqual([]);
  });

  it("says only what changes, one after another", async () => {
    const server = new Server();
    server.listening.want(ready);
    server.listening.want(talking);
    expect(server.posted).toEqual([{ turn_taking: "push_to_talk" }]);
    await server.answers();
    expect(server.posted.slice(1)).toEqual([{ talking: true }]);
    server.listening.want(ready);
    await server.answers();
    expect(server.posted.slice(2)).toEqual([{ talking: false }]);
  });

  it("leaves out what was over before it could be said", async () => {
    const server = new Server();
    server.listening.want(handsFree);
    server.listening.want(talking);
    server.listening.want(handsFree);
    await server.answers();
    expect(server.posted).toEqual([{ turn_taking: "auto" }]);
  });

  it("tells of a refusal, and tries again only when something changes", async () => {
    const server = new Server();
    server.listening.want(talking);
    await server.answers(new ApiError(409, "no"));
    expect([server.posted.length, server.refusals.length]).toEqual([1, 1]);
    server.listening.want(handsFree);
    await server.answers();
    expect(server.posted.slice(1)).toEqual([{ turn_taking: "auto" }]);
  });

  it.each([off, handsFree])("names no button where the way of talking has none (%j)", async (next) => {
    const server = new Server();
    server.listening.want(talking);
    await server.answers();
    server.listening.want(next);
    expect(server.posted.slice(1)).toEqual([{ turn_taking: next.turn_taking }]);
    await server.answers();
    server.listening.want(ready);
    expect(server.posted.slice(2)).toEqual([{ turn_taking: "push_to_talk" }]);
  });

  it("lets go of a button that may be held, as the answer got lost", async () => {
    const server = new Server();
    server.listening.want(ready);
    await server.answers();
    server.listening.want(talking);
    server.listening.want(ready);
    await server.answers(new ApiError(0, "timed out"));
    expect(server.posted.slice(2)).toEqual([{ turn_taking: "push_to_talk", talking: false }]);
  });

  it("tries again what may not have come to the server when it is wanted again", async () => {
    const server = new Server();
    server.listening.want(handsFree);
    await server.answers(new ApiError(503, "no worker"));
    server.listening.want(handsFree);
    expect(server.posted.slice(1)).toEqual([{ turn_taking: "auto" }]);
    await server.answers();
    server.listening.want(handsFree);
    expect(server.posted).toHaveLength(2);
  });
});
