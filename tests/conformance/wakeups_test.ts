/**
 * Who is woken, and how often: counted by the kernel, as context switches of the
 * threads that wait (proc(5), `/proc/self/task/TID/status`).
 *
 * @module
 */

import { assertEquals, assertLess } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { readFileSync } from "node:fs";
import { CompletionPort, FileHandle, NativeBuffer } from "../../mod.ts";
import { Folder, itUnless, startWorker, unlessLinux, until } from "./fixture.ts";

/** A port, and threads that wait on it. */
class Stage {
  readonly port: CompletionPort;
  readonly #counts: Int32Array<SharedArrayBuffer>;
  readonly #threads: Promise<number>[] = [];

  constructor(concurrency: number, threads: number) {
    this.port = new CompletionPort({ concurrency });
    this.#counts = new Int32Array(new SharedArrayBuffer((1 + threads) * 4));
  }

  /** Starts the threads, one after the other: the last is the newest. */
  async start(): Promise<void> {
    for (let seat = 0; seat < this.#counts.length - 1; seat++) {
      const data = { port: this.port.token, counts: this.#counts, seat };
      this.#threads.push(startWorker<number>("serve", data));
      await this.untilWaiting(seat + 1);
    }
    await this.untilAsleep();
  }

  untilWaiting(count: number): Promise<void> {
    return until(() => this.port.counters.waiting === count, `${count} threads wait`);
  }

  /** A thread that is counted as waiting may still be on its way to sleep. */
  untilAsleep(): Promise<void> {
    return until(() => this.#ids().every((id) => status(id, "State").startsWith("S")), "all sleep");
  }

  #ids(): number[] {
    return [...this.#counts.subarray(1)];
  }

  get taken(): number {
    return Atomics.load(this.#counts, 0);
  }

  /** How often each thread went to sleep. */
  sleeps(): number[] {
    return this.#ids().map((id) => Number(status(id, "voluntary_ctxt_switches")));
  }

  /** How often each thread was taken off its processor, and the time it ran. */
  runs(): string[] {
    return this.#ids().map((id) =>
      `${status(id, "nonvoluntary_ctxt_switches")} ${
        readFileSync(`/proc/self/task/${id}/schedstat`)
      }`
    );
  }

  async end(): Promise<void> {
    this.#threads.forEach(() => this.port.post({ key: 0 }));
    await Promise.all(this.#threads);
    this.port.close();
  }
}

/** A line of what the kernel says of a thread. */
function status(id: number, field: string): string {
  const lines = readFileSync(`/proc/self/task/${id}/status`, "utf8").split("\n");
  return lines.find((line) => line.startsWith(`${field}:`))!.slice(field.length + 1).trim();
}

/** Work on another port, for far longer than a look of the watcher takes. */
async function workElsewhere(folder: Folder): Promise<void> {
  using port = new CompletionPort();
  using file = FileHandle.open(folder.file("other.bin", "abc"));
  using buffer = NativeBuffer.allocate(64);
  port.associate(file, 1);
  for (let round = 0; round < 500; round++) {
    for (let key = 0; key < 50; key++) port.post({ key });
    file.read(buffer, 0);
    for (let taken = 0; taken < 51;) taken += port.getMany(64).length;
    if (round % 50 === 0) await until(() => true, "a turn of the event loop");
  }
}

describe("threads that wait", () => {
  for (const withFile of [false, true]) {
    const kind = withFile ? "with a file" : "without a file";
    itUnless(
      unlessLinux,
      `promise 4: on an idle port ${kind}: they do not run at all`,
      async () => {
        using folder = new Folder();
        using file = FileHandle.open(folder.file("data.bin"));
        const stage = new Stage(2, 4);
        if (withFile) stage.port.associate(file, 1);
        await stage.start();
        const before = [stage.sleeps(), stage.runs()];
        await workElsewhere(folder);
        assertEquals([stage.sleeps(), stage.runs()], before);
        await stage.end();
      },
    );

    itUnless(
      unlessLinux,
      `promise 3, 4: 16 wait on a port ${kind}: a packet wakes one, and the others sleep on`,
      async () => {
        using folder = new Folder();
        using file = FileHandle.open(folder.file("data.bin"));
        const stage = new Stage(1, 16);
        if (withFile) stage.port.associate(file, 1);
        await stage.start();
        const packets = 200;
        const before = stage.sleeps();
        for (let count = 1; count <= packets; count++) {
          stage.port.post({ key: 1 });
          await until(() => stage.taken === count, "the packet is taken");
          await stage.untilWaiting(16);
        }
        await stage.untilAsleep();
        const slept = stage.sleeps().map((count, seat) => count - before[seat]);
        const newest = slept.pop()!;
        assertEquals(slept.filter((count) => count !== 0), []);
        // Once for each packet, if it did sleep before the next one came; and for a lock, rarely.
        assertLess(newest, packets * 2);
        await stage.end();
      },
    );
  }
});
