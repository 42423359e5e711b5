/**
 * There and back between two threads, in microseconds.
 *
 * @module
 */

import { CompletionPort } from "../../../mod.ts";
import { Ring } from "../../rivals/ring.ts";
import type { Contender, Runner } from "../../scenario.ts";
import { type JobWorker, startWorkers } from "../../workers.ts";
import { letGo, portsOf, THREAD, waitFor } from "./flow.ts";
import { type Job, READY, type Way } from "./jobs.ts";

/** The way there, the way back, and their end. */
type Ways = () => [there: Way, back: Way, close: () => void];

/** Each pass goes there and back `count` times. */
export function pingPongs(count: number): Contender[] {
  const open = (ways: Ways) => async (): Promise<Runner> => {
    const workers = await startWorkers(THREAD, 2);
    return {
      pass: () => pingPong(workers, ways, count),
      close: () => workers.forEach((worker) => worker.close()),
    };
  };
  return [
    { name: "two ports", isOurs: true, open: open(twoPorts) },
    { name: "two SharedArrayBuffer rings", open: open(twoRings) },
    { name: "MessagePort", open: open(oneChannel) },
    { name: "postMessage", open: () => overMessages(count) },
  ];
}

async function pingPong(
  workers: readonly JobWorker[],
  ways: Ways,
  count: number,
): Promise<number> {
  const [there, back, close] = ways();
  const words = new Int32Array(new SharedArrayBuffer(20));
  const start = (worker: JobWorker, role: Job["role"], from: Way, to: Way) => {
    const both = from.kind === "messages" ? { way: from } : { way: from, back: to };
    const job: Job = {
      role,
      ...both,
      count,
      words: words.buffer,
      producers: 1,
      consumers: 1,
      total: count,
    };
    return worker.run<number>(job, portsOf(from));
  };
  const jobs = [start(workers[0], "ping", back, there), start(workers[1], "echo", there, back)];
  waitFor(words, READY, 2);
  letGo(words);
  const [microseconds] = await Promise.all(jobs);
  close();
  return microseconds;
}

function twoPorts(): [Way, Way, () => void] {
  const ports = [1, 2].map(() => new CompletionPort({ concurrency: 1 }));
  const [there, back] = ports.map(({ token }): Way => ({ kind: "port", token }));
  return [there, back, () => ports.forEach((port) => port.close())];
}

function twoRings(): [Way, Way, () => void] {
  const [there, back] = [1, 2].map((): Way => ({
    kind: "ring",
    buffer: Ring.allocate(64),
    isAlone: true,
  }));
  return [there, back, () => {}];
}

function oneChannel(): [Way, Way, () => void] {
  const { port1, port2 } = new MessageChannel();
  return [{ kind: "messages", ports: [port1] }, { kind: "messages", ports: [port2] }, () => {}];
}

/** Between this thread and a Worker that sends back what it gets. */
function overMessages(count: number): Runner {
  const worker = new Worker(new URL("../../rivals/echo.ts", import.meta.url).href, {
    type: "module",
  });
  return {
    pass: () =>
      new Promise<number>((resolve, reject) => {
        const message = { key: 1, bytes: 8 };
        let left = count;
        const began = performance.now();
        worker.onerror = (event) => reject(new Error(event.message));
        worker.onmessage = () => {
          if (--left > 0) worker.postMessage(message);
          else resolve((performance.now() - began) * 1000 / count);
        };
        worker.postMessage(message);
      }),
    close: () => worker.terminate(),
  };
}
