/**
 * Packets from some Workers to others.
 *
 * @module
 */

import { CompletionPort } from "../../../mod.ts";
import { Ring } from "../../rivals/ring.ts";
import type { Contender, Runner } from "../../scenario.ts";
import { type JobWorker, startWorkers } from "../../workers.ts";
import { DONE, GO, type Job, READY, TAKEN, type Way } from "./jobs.ts";

/** The Workers' module. */
export const THREAD: URL = new URL("./thread.ts", import.meta.url);

/** Packets that the ring holds. */
const RING_PACKETS = 65_536;

/** How the packets of one pass go; made anew for each. */
interface Passage {
  /** The way of one that posts or takes, by its number among those. */
  way(role: "produce" | "consume", index: number): Way;
  /** Whether the producers are Workers; else this thread sends messages to the consumers. */
  readonly hasProducers: boolean;
  /** How many wait for packets; absent where that cannot be known. */
  waiting?(): number;
  close(): void;
}

/**
 * How many packets a second go from `producers` Workers to `consumers`; each pass has `packets`.
 * The port's concurrency value lets all consumers run unless it is given.
 */
export function flows(
  packets: number,
  producers: number,
  consumers: number,
  concurrency: number = consumers,
): Contender[] {
  const open = (passage: () => Passage) => async (): Promise<Runner> => {
    const workers = await startWorkers(THREAD, producers + consumers);
    return {
      pass: () => flow(workers, passage(), packets, producers),
      close: () => workers.forEach((worker) => worker.close()),
    };
  };
  const ours = { name: "a port", isOurs: true, open: open(() => overPort(concurrency)) };
  const ring = { name: "SharedArrayBuffer ring", open: open(() => overRing(producers === 1)) };
  const channels = {
    name: "MessagePort",
    open: open(() => overChannels(producers, consumers)),
  };
  // A Worker gets messages from its maker only, which is one thread.
  const messages = { name: "postMessage", open: open(overMessages) };
  return producers === 1 ? [ours, ring, messages, channels] : [ours, ring, channels];
}

async function flow(
  workers: readonly JobWorker[],
  passage: Passage,
  packets: number,
  producers: number,
): Promise<number> {
  const words = new Int32Array(new SharedArrayBuffer(20));
  const consumers = workers.length - producers;
  const start = (role: "produce" | "consume", own: readonly JobWorker[]) =>
    own.map((worker, index) => {
      const way = passage.way(role, index);
      const count = role === "produce" ? packets / own.length : shareOf(packets, own.length, index);
      return worker.run<number>(
        {
          role,
          way,
          count,
          words: words.buffer,
          producers,
          consumers,
          total: packets,
        } satisfies Job,
        portsOf(way),
      );
    });
  const takers = workers.slice(producers);
  const jobs = start("consume", takers);
  const posting = passage.hasProducers ? start("produce", workers.slice(0, producers)) : [];
  const all = passage.hasProducers ? workers.length : consumers;
  waitFor(words, READY, all);
  untilWaiting(passage, consumers);
  const began = performance.now();
  letGo(words);
  for (let i = 0; !passage.hasProducers && i < packets; i++) {
    takers[i % consumers].post({ key: 1, bytes: 8 });
  }
  waitFor(words, TAKEN, packets);
  const seconds = (performance.now() - began) / 1000;
  waitFor(words, DONE, all);
  const taken = (await Promise.all(jobs)).reduce((sum, count) => sum + count, 0);
  // Those that post have said so too: a Worker does one job at a time.
  await Promise.all(posting);
  passage.close();
  if (taken !== packets) throw new Error(`${taken} of ${packets} packets were taken`);
  return packets / seconds;
}

/** Milliseconds that threads may take from being ready to waiting, where nobody tells that they wait. */
const SETTLING_MS = 200;

/** The way to the port is not measured: of 64 threads it takes longer than the packets. */
function untilWaiting({ waiting }: Passage, consumers: number): void {
  if (waiting === undefined) return;
  const end = performance.now() + SETTLING_MS;
  const words = new Int32Array(new SharedArrayBuffer(4));
  while (waiting() < consumers && performance.now() < end) Atomics.wait(words, 0, 0, 1);
}

/** Of messages each gets one after the other, so that the first ones may get one more. */
function shareOf(packets: number, count: number, index: number): number {
  return Math.floor((packets + count - 1 - index) / count);
}

function nothing(): void {}

function overPort(concurrency: number): Passage {
  const port = new CompletionPort({ concurrency });
  const { token } = port;
  return {
    way: () => ({ kind: "port", token }),
    hasProducers: true,
    waiting: () => port.counters.waiting ?? 0, // Windows does not tell: they get the whole time.
    close: () => port.close(),
  };
}

function overRing(isAlone: boolean): Passage {
  const buffer = Ring.allocate(RING_PACKETS);
  return {
    way: () => ({ kind: "ring", buffer, isAlone }),
    hasProducers: true,
    close: nothing,
  };
}

/** Each producer has a channel to each consumer, and sends to one after the other. */
function overChannels(producers: number, consumers: number): Passage {
  const lists = (count: number): MessagePort[][] => Array.from({ length: count }, () => []);
  const ends = { produce: lists(producers), consume: lists(consumers) };
  for (const from of ends.produce) {
    for (const to of ends.consume) {
      const { port1, port2 } = new MessageChannel();
      from.push(port1);
      to.push(port2);
    }
  }
  return {
    way: (role, index) => ({ kind: "messages", ports: ends[role][index] }),
    hasProducers: true,
    close: nothing,
  };
}

function overMessages(): Passage {
  return {
    way: () => ({ kind: "messages", ports: [] }),
    hasProducers: false,
    close: nothing,
  };
}

/** What must go along with a job. */
export function portsOf(way: Way): Transferable[] {
  return way.kind === "messages" ? [...way.ports] : [];
}

/** Blocks until the word has grown to `count`. */
export function waitFor(words: Int32Array<SharedArrayBuffer>, at: number, count: number): void {
  for (let seen = Atomics.load(words, at); seen < count; seen = Atomics.load(words, at)) {
    Atomics.wait(words, at, seen);
  }
}

/** Lets the Workers begin. */
export function letGo(words: Int32Array<SharedArrayBuffer>): void {
  Atomics.store(words, GO, 1);
  Atomics.notify(words, GO);
}
