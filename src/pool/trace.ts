/**
 * A pool's run as a timeline, in the Trace Event format: Perfetto and
 * chrome://tracing show what each thread did, what was in flight and what was queued.
 *
 * Each thread notes what it does in a ring of its own; the owner empties the rings
 * every few milliseconds and writes the file.
 *
 * Source: "Trace Event Format", the document of the Chromium project.
 *
 * @module
 */

import type { BufferToken } from "../core/buffer.ts";
import { KINDS } from "../core/kinds.ts";
import type { CompletionPort } from "../core/port.ts";
import { type Board, OWNER } from "./board.ts";
import type { PoolCounters } from "./counters.ts";
import type { TraceFile } from "./trace-file.ts";
import * as rings from "./trace-ring.ts";
import { ThreadTrace, timeNow, TraceRing } from "./trace-ring.ts";

/** Milliseconds between two looks. */
const LOOK_MS = 10;

/** The number of the process in the file: there is one. */
const PROCESS = 1;

/** What the owner of a pool writes a trace with. */
export class Tracer {
  readonly #file: TraceFile;
  readonly #board: Board;
  readonly #name: string;
  readonly #counters: () => PoolCounters;
  /** By the numbers of threads; a thread that replaces another goes on in its ring. */
  readonly #rings: Map<number, TraceRing> = new Map();
  readonly #own: ThreadTrace;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Times in the file are from here on. */
  readonly #startedAt: number;
  #text = "[\n";
  #lost = 0;
  #lastCounts = "";

  /**
   * Begins to trace what is on `port`, into `file`, which it closes. `counters` are asked for at each look.
   */
  constructor(
    file: TraceFile,
    name: string,
    port: CompletionPort,
    board: Board,
    counters: () => PoolCounters,
  ) {
    this.#file = file;
    this.#name = name;
    this.#board = board;
    this.#counters = counters;
    this.#startedAt = timeNow();
    this.#event("M", 0, { name: "process_name", args: { name } });
    this.#own = new ThreadTrace(this.#ringOf(OWNER, "owner"), port.token.place);
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** The ring for the thread with this number, for it to be handed. */
  tokenOf(index: number): BufferToken {
    return this.#ringOf(index, `${this.#name} ${index}`).buffer.token;
  }

  /** Writes what is left and closes the file: waits for that. Returns why it is not whole, if so. */
  close(): Error | null {
    clearInterval(this.#timer);
    this.#look(true);
    this.#own[Symbol.dispose]();
    for (const [index, ring] of this.#rings) if (index !== OWNER) ring.buffer.free();
    const args = { notes: this.#lost };
    this.#event("i", OWNER, { name: "lost in all", ts: this.#stamp(timeNow()), s: "p", args });
    this.#file.write(`${this.#text.slice(0, -2)}\n]\n`);
    return this.#file.close();
  }

  #ringOf(index: number, name: string): TraceRing {
    let ring = this.#rings.get(index);
    if (ring === undefined) {
      ring = TraceRing.allocate();
      this.#rings.set(index, ring);
      this.#event("M", index, { name: "thread_name", args: { name } });
      this.#event("M", index, { name: "thread_sort_index", args: { sort_index: index } });
    }
    return ring;
  }

  /** Empties the rings. While the file is behind, they are left to fill, and to count what they lose. */
  #look(isLast: boolean = false): void {
    if (!isLast && !this.#file.isReady) return;
    this.#count();
    for (const [index, ring] of this.#rings) {
      ring.drain((doubles, place) => this.#note(index, doubles, place));
      const notes = ring.takeLost();
      if (notes === 0) continue;
      this.#lost += notes;
      this.#event("i", index, {
        name: "lost",
        ts: this.#stamp(timeNow()),
        s: "t",
        args: { notes },
      });
    }
    this.#file.write(this.#text);
    this.#text = "";
  }

  /** What is queued and active, if that has changed. */
  #count(): void {
    const { queuedPackets, queuedTasks, inFlight, active, waiting, blocked } = this.#counters();
    const counts = {
      queued: { packets: queuedPackets, tasks: queuedTasks },
      "in flight": { operations: inFlight },
      threads: { active, waiting, blocked },
    };
    const text = JSON.stringify(counts);
    if (text === this.#lastCounts) return;
    this.#lastCounts = text;
    const ts = this.#stamp(timeNow());
    for (const [name, args] of Object.entries(counts)) {
      this.#event("C", 0, { name, ts, args });
    }
  }

  #note(thread: number, doubles: Float64Array<ArrayBuffer>, place: number): void {
    const [what, at, duration, a, b, c, d, e] = doubles.subarray(
      place,
      place + rings.NOTE_DOUBLES,
    );
    const ts = this.#stamp(at);
    const dur = stamp(duration);
    const kind = a === 0 ? "posted" : KINDS[a - 1]?.kind;
    const code = e === 0 ? {} : { error: e };
    switch (what) {
      case rings.NOTE_PACKET: {
        const mark = a === 0 ? { overlapped: d } : { tag: d };
        const args = { key: b, bytesTransferred: c, ...mark, ...code };
        return this.#event("X", thread, { name: `${kind}`, cat: "packet", ts, dur, args });
      }
      case rings.NOTE_TASK: {
        const args = b === 0 ? {} : { failed: true };
        const name = this.#board.readName(a);
        return this.#event("X", thread, { name, cat: "task", ts, dur, args });
      }
      case rings.NOTE_BLOCKED:
        return this.#event("X", thread, { name: "blocked", cat: "wait", ts, dur });
    }
    const common = { name: `${kind}`, cat: "operation", id: `0x${b.toString(16)}`, ts };
    switch (what) {
      case rings.NOTE_STARTED:
        return this.#event("b", thread, { ...common, args: { offset: c, tag: d, bytes: e } });
      case rings.NOTE_ENDED:
        return this.#event("e", thread, { ...common, args: { bytesTransferred: c, ...code } });
      case rings.NOTE_REFUSED:
        return this.#event("e", thread, { ...common, args: { refused: true } });
    }
  }

  #stamp(at: number): number {
    return stamp(at - this.#startedAt);
  }

  #event(ph: string, thread: number, rest: Record<string, unknown>): void {
    // Numbers of threads begin with 1: 0 would be a thread of no name.
    this.#text += `${JSON.stringify({ ph, pid: PROCESS, tid: thread + 1, ...rest })},\n`;
  }
}

/** Milliseconds as the format has them: microseconds, to three places. */
function stamp(milliseconds: number): number {
  return Math.round(milliseconds * 1e6) / 1e3;
}
