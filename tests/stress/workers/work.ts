/**
 * A Worker of a stress run: does its orders, then ends as it is told.
 *
 * @module
 */

import { ENDS_BY_ERROR } from "../board.ts";
import { type Orders, Thread } from "./thread.ts";

interface Scope {
  onmessage: ((event: MessageEvent<Orders>) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

const scope = globalThis as unknown as Scope;

scope.onmessage = ({ data }) => {
  try {
    work(data);
  } catch (error) {
    scope.postMessage({ error: error instanceof Error ? error.stack : String(error) });
    scope.close();
    return;
  }
  if (data.end === "throw") throw new Error(ENDS_BY_ERROR);
  scope.postMessage("ended");
  scope.close();
};

function work(orders: Orders): void {
  const thread = new Thread(orders);
  const { board, random } = thread;
  for (let i = 0; i < orders.actions && !board.isFull(); i++) thread.act();
  thread.buffer.free();
  thread.say("ended");
  if (orders.end !== "terminate") return;
  // From here on it may end anywhere: between this and that packet of a port for ever.
  scope.postMessage("terminate me");
  const index = random(orders.ports.length);
  thread.say("waits for its end", index);
  for (;;) {
    const packet = thread.port(index).get();
    board.countTakes(index, 1);
    thread.note(packet!);
  }
}

scope.postMessage("ready");
