/** Takes packets from a port, as many at a time as a seed decides, until one with key 0 comes. */

import { CompletionPort, type PortToken } from "../../../src/pool/thread.ts";
import { randomFrom } from "../random.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Take {
  port: PortToken;
  seed: number;
}

job(({ port, seed }: Take): number[] => {
  const attached = CompletionPort.attach(port);
  const random = randomFrom(seed);
  const keys: number[] = [];
  for (;;) {
    const packets = attached.getMany(1 + random(64), random(8) === 0 ? 0 : Infinity);
    for (const { key } of packets) if (key !== 0) keys.push(key);
    const stops = packets.filter(({ key }) => key === 0).length;
    // What it took beyond its own is for the threads it was meant for.
    for (let i = 1; i < stops; i++) attached.post({ key: 0 });
    if (stops > 0) return keys;
  }
});
