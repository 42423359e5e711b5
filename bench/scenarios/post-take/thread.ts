/**
 * A Worker of post-take: posts, takes, or both in turn.
 *
 * @module
 */

import { CompletionPort, Win32Error } from "../../../mod.ts";
import { Ring } from "../../rivals/ring.ts";
import { doJobs } from "../../workers.ts";
import { BATCH, DONE, ENDED, GO, type Job, READY, STOP, TAKEN, type Way } from "./jobs.ts";

const ERROR_NO_SYSTEM_RESOURCES = 1450;

doJobs(async (job: Job) => {
  const { role, way, back, count, words: shared, producers, consumers, total } = job;
  const words = new Int32Array(shared);
  const begin = () => {
    Atomics.add(words, READY, 1);
    Atomics.notify(words, READY);
    // Those that only take go and wait for packets.
    if (role !== "consume") Atomics.wait(words, GO, 0);
  };
  let result = 0;
  if (way.kind === "messages") {
    result = await overMessages(role, way.ports, count, begin);
    if (role === "consume") Atomics.add(words, TAKEN, count);
    Atomics.notify(words, TAKEN);
  } else if (role === "produce") {
    const post = poster(way);
    begin();
    for (let i = 0; i < count; i++) post(1);
    const isLast = Atomics.add(words, ENDED, 1) === producers - 1;
    for (let i = 0; isLast && i < consumers; i++) post(STOP);
  } else if (role === "consume") {
    begin();
    result = consume(way, words, total);
  } else {
    const [post, take] = [poster(back!), taker(way)];
    begin();
    result = role === "ping" ? ping(post, take, count) : echo(post, take, count);
  }
  Atomics.add(words, DONE, 1);
  Atomics.notify(words, DONE);
  return result;
});

/** How to post one packet; waits while there is no room. */
function poster(way: Way): (key: number) => void {
  if (way.kind === "port") {
    const port = CompletionPort.attach(way.token);
    return (key) => {
      while (!tryPost(port, key)) rest();
    };
  }
  const ring = new Ring((way as Way & { kind: "ring" }).buffer);
  const { isAlone } = way as Way & { kind: "ring" };
  return (key) => {
    while (!(isAlone ? ring.pushAlone(key, 8) : ring.push(key, 8))) rest();
  };
}

function tryPost(port: CompletionPort, key: number): boolean {
  try {
    port.post({ key, bytesTransferred: 8 });
    return true;
  } catch (error) {
    if (error instanceof Win32Error && error.code === ERROR_NO_SYSTEM_RESOURCES) return false;
    throw error;
  }
}

/** A full queue is work for some milliseconds. */
const resting = new Int32Array(new SharedArrayBuffer(4));
function rest(): void {
  Atomics.wait(resting, 0, 0, 1);
}

/**
 * Takes until a packet says to stop. Returns how many it has taken. Whoever measures waits for
 * the last packet and not for the stops: a thread that leaves the port for its event loop counts as
 * running there for some milliseconds more, and the next one gets its stop after that.
 */
function consume(way: Way, words: Int32Array<SharedArrayBuffer>, total: number): number {
  const post = poster({ ...way, isAlone: false } as Way);
  let taken = 0;
  const take = batchTaker(way);
  for (;;) {
    const [stops, others] = take();
    taken += others;
    if (Atomics.add(words, TAKEN, others) + others === total) Atomics.notify(words, TAKEN);
    if (stops === 0) continue;
    for (let i = 1; i < stops; i++) post(STOP);
    return taken;
  }
}

/** How many packets to stop, and how many others, a batch has. */
function batchTaker(way: Way): () => [stops: number, others: number] {
  let stops: number;
  if (way.kind === "port") {
    const port = CompletionPort.attach(way.token);
    return () => {
      const packets = port.getMany(BATCH);
      stops = 0;
      for (const { key } of packets) if (key === STOP) stops++;
      return [stops, packets.length - stops];
    };
  }
  const ring = new Ring((way as Way & { kind: "ring" }).buffer);
  const into = new Int32Array(BATCH * 3);
  return () => {
    const count = ring.take(into, BATCH);
    stops = 0;
    for (let i = 0; i < count; i++) if (into[i * 3] === STOP) stops++;
    return [stops, count - stops];
  };
}

/** Takes one packet. */
function taker(way: Way): () => void {
  if (way.kind === "port") {
    const port = CompletionPort.attach(way.token);
    return () => void port.get();
  }
  const ring = new Ring((way as Way & { kind: "ring" }).buffer);
  const into = new Int32Array(3);
  return () => void ring.take(into, 1);
}

/** Microseconds of one way there and back. */
function ping(post: (key: number) => void, take: () => void, count: number): number {
  const began = performance.now();
  for (let i = 0; i < count; i++) {
    post(1);
    take();
  }
  return (performance.now() - began) * 1000 / count;
}

function echo(post: (key: number) => void, take: () => void, count: number): number {
  for (let i = 0; i < count; i++) {
    take();
    post(1);
  }
  return count;
}

interface Receiver {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
}

/** Of messages each consumer gets its share, and is done when it has it. */
function overMessages(
  role: Job["role"],
  ports: readonly MessagePort[],
  count: number,
  begin: () => void,
): number | Promise<number> {
  const message = { key: 1, bytes: 8 };
  if (role === "produce") {
    begin();
    for (let i = 0; i < count; i++) ports[i % ports.length].postMessage(message);
    return count;
  }
  const ends: readonly Receiver[] = ports.length > 0 ? ports : [globalThis as unknown as Receiver];
  const before = ends[0].onmessage;
  return new Promise((resolve) => {
    let left = count;
    let began = 0;
    const receive = (end: Receiver): void => {
      left--;
      if (role === "echo" || role === "ping" && left > 0) end.postMessage(message);
      if (left > 0) return;
      for (const each of ends) each.onmessage = before;
      for (const port of ports) port.close();
      resolve(role === "ping" ? (performance.now() - began) * 1000 / count : count);
    };
    for (const end of ends) end.onmessage = () => receive(end);
    begin();
    began = performance.now();
    if (role === "ping") ends[0].postMessage(message);
  });
}
