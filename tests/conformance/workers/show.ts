/** Takes a packet, shows its operation's buffer, and ends when it is told to, without freeing anything. */

import { CompletionPort, type Packet, type PortToken } from "../../../src/pool/thread.ts";

/** What this thread is to do. */
export interface Show {
  port: PortToken;
  /** 1 once the buffer is shown; and 1 when the thread is to end. */
  counts: Int32Array;
  end: "return" | "throw";
}

interface Scope {
  onmessage: ((event: MessageEvent<Show>) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

const scope = globalThis as unknown as Scope;

/** Reachable for as long as the thread lives. */
export let shown: Packet | null = null;

scope.onmessage = ({ data: { port, counts, end } }) => {
  shown = CompletionPort.attach(port).get();
  const { bytes } = shown!.operation!.buffer!;
  Atomics.store(counts, 0, 1);
  Atomics.wait(counts, 1, 0);
  if (end === "throw") throw new Error("as it was told");
  // The main thread has freed it long since: here it is as it was.
  scope.postMessage({ result: [bytes.length, bytes[0]] });
  scope.close();
};
scope.postMessage("ready");
