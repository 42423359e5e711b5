/**
 * Posting and taking in one thread.
 *
 * @module
 */

import process from "node:process";
import { CompletionPort } from "../../../mod.ts";
import { compiled, output } from "../../programs.ts";
import { Ring } from "../../rivals/ring.ts";
import { type Contender, LeftOut, type Runner } from "../../scenario.ts";
import { BATCH } from "./jobs.ts";

/** Each pass posts `packets` packets, as many at a time as are then taken. */
export function alone(packets: number): Contender[] {
  return [
    { name: "a port", isOurs: true, open: () => overPort(packets) },
    { name: "C, the same calls of kernel32", open: () => inC(packets), warmsUp: true },
    { name: "SharedArrayBuffer ring", open: () => overRing(packets) },
    { name: "MessagePort", open: () => overChannel(packets) },
  ];
}

function overPort(packets: number): Runner {
  const port = new CompletionPort({ concurrency: 1 });
  return {
    pass(): number {
      let taken = 0;
      const began = performance.now();
      for (let posted = 0; posted < packets; posted += BATCH) {
        for (let i = 0; i < BATCH; i++) port.post({ key: 1, bytesTransferred: i });
        for (const { key } of port.getMany(BATCH)) taken += key;
      }
      return rate(taken, packets, began);
    },
    close: () => port.close(),
  };
}

function overRing(packets: number): Runner {
  const ring = new Ring(Ring.allocate(1024));
  const into = new Int32Array(BATCH * 3);
  return {
    pass(): number {
      let taken = 0;
      const began = performance.now();
      for (let posted = 0; posted < packets; posted += BATCH) {
        for (let i = 0; i < BATCH; i++) ring.pushAlone(1, i);
        const count = ring.take(into, BATCH);
        for (let i = 0; i < count; i++) taken += into[i * 3];
      }
      return rate(taken, packets, began);
    },
  };
}

function overChannel(packets: number): Runner {
  const { port1, port2 } = new MessageChannel();
  return {
    pass: () =>
      new Promise<number>((resolve) => {
        let taken = 0;
        const began = performance.now();
        const post = (): void => {
          for (let i = 0; i < BATCH; i++) port1.postMessage({ key: 1, bytes: i });
        };
        port2.onmessage = ({ data }) => {
          taken += data.key;
          if (taken === packets) resolve(rate(taken, packets, began));
          else if (taken % BATCH === 0) post();
        };
        post();
      }),
    close(): void {
      port1.close();
      port2.close();
    },
  };
}

/** On Windows, and under Wine, where the program was compiled before. */
function inC(packets: number): Runner {
  if (process.platform !== "win32") {
    throw new LeftOut("these calls are Windows' own: npm run bench:windows has it");
  }
  const program = compiled("post-take.c");
  return { pass: async () => Number(await output([program, `${packets}`, `${BATCH}`])) };
}

function rate(taken: number, packets: number, began: number): number {
  const seconds = (performance.now() - began) / 1000;
  if (taken !== packets) throw new Error(`${taken} of ${packets} packets were taken`);
  return packets / seconds;
}
