/**
 * One stress run: what it works on, its threads, whoever writes to the FIFOs, and the reckoning.
 *
 * @module
 */

import { closeSync, constants, openSync, readdirSync, readlinkSync, writeSync } from "node:fs";
import process from "node:process";
import {
  CompletionPort,
  type CompletionPortOptions,
  NativeBuffer,
  type Packet,
} from "../../mod.ts";
import { ledger } from "../../src/core/ledger.ts";
import * as layout from "../../src/system/linux/layout.ts";
import { region } from "../../src/system/linux/region.ts";
import { countOf } from "../../src/system/linux/tail.ts";
import { Folder, isLinux, turn, until } from "../conformance/fixture.ts";
import { randomFrom } from "../conformance/random.ts";
import {
  Board,
  PORTS,
  REFUSED,
  SLOTS,
  STARTED,
  TAKEN_MASK,
  TEMPORARY,
  TEMPORARY_PORT,
  THREADS,
} from "./board.ts";
import { Crew, type End } from "./crew.ts";
import { FILE_BYTES, Files } from "./workers/files.ts";
import { close } from "./workers/temporary.ts";

/** FIFOs that the threads read from; Windows has none. */
const FIFOS = isLinux ? 4 : 0;

/** Milliseconds without any progress after which a run hangs. */
const HANGS_AFTER_MS = 20_000;

/** Bytes that may lie in a FIFO: far less than it holds. */
const MOST_WRITTEN = 64;

/** How a run is to be. */
export interface RunOptions {
  /** Packets and operations. */
  readonly size: number;
  readonly seed: number;
  /** How many threads end and are replaced, about. */
  readonly deaths: number;
  readonly ends: readonly End[];
}

/** How many of everything there is. */
export function places(): Record<string, number> {
  const { operations, handles, buffers, ports } = ledger();
  const tables: Record<string, { count(): number }> = { operations, handles, buffers, ports };
  if (isLinux) {
    const engine = region();
    tables["handles of the engine"] = engine.handles;
    tables["ports of the engine"] = engine.ports;
    tables["requests of the engine"] = engine.requests;
  }
  return Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, table.count()]));
}

/** Open descriptors of what a run opens, by what they are; Linux. */
export function descriptors(folder: string): Record<string, number> {
  const counts: Record<string, number> = { files: 0, rings: 0 };
  for (const fd of readdirSync("/proc/self/fd")) {
    let target = "";
    try {
      target = readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      continue; // The one that lists the folder.
    }
    if (target.startsWith(folder)) counts.files++;
    if (target === "anon_inode:[io_uring]") counts.rings++;
  }
  return counts;
}

/** Every other port has a ring so small that it is full, and overflows, all the time; Linux. */
function limitsOf(index: number): CompletionPortOptions {
  return isLinux && index % 2 === 1 ? { ring: { submissions: 2, completions: 4 } } : {};
}

/** A run under way. */
export class Run {
  readonly board: Board;
  readonly crew: Crew;
  readonly ports: CompletionPort[];
  readonly folder: Folder = new Folder();
  readonly #buffers: NativeBuffer[];
  readonly #random: (limit: number) => number;
  readonly #fifos: number[];
  readonly #files: Files;
  #lastProgress = { value: 0, at: performance.now() };
  #isOver = false;

  constructor({ size, seed, deaths, ends }: RunOptions) {
    const random = this.#random = randomFrom(seed);
    this.board = Board.create(size);
    const path = this.folder.file("data.bin", new Uint8Array(FILE_BYTES));
    const fifos = Array.from({ length: FIFOS }, (_, index) => this.folder.fifo(`fifo-${index}`));
    this.#fifos = fifos.map((name) => openSync(name, constants.O_RDWR | constants.O_NONBLOCK));
    this.ports = Array.from(
      { length: PORTS },
      (_, index) => new CompletionPort({ concurrency: 1 + random(4), ...limitsOf(index) }),
    );
    this.#files = new Files(this.board);
    for (let slot = 0; slot < SLOTS; slot++) {
      const isFifo = slot % 2 !== 0 && FIFOS > 0;
      const name = isFifo ? fifos[random(FIFOS)] : path;
      this.#files.replace(slot, name, this.ports[random(PORTS)]);
    }
    this.#buffers = Array.from({ length: THREADS }, () => NativeBuffer.allocate(8192));
    this.crew = new Crew({
      buffers: this.#buffers.map(({ token }) => token),
      board: this.board,
      ports: this.ports.map(({ token }) => token),
      paths: [path, ...fifos],
      random,
      // About every other action begins something, some many things at once.
      actions: Math.ceil(size / (deaths + THREADS) / 3),
      ends,
    });
  }

  /** Comes back when so many packets and operations have begun, or all threads have ended. */
  async reach(count: number): Promise<void> {
    let isDone = false;
    const done = this.crew.done().then(() => isDone = true);
    while (!isDone && this.board.begun() < count) await this.#tend();
    if (count >= this.board.size) {
      while (!isDone) await this.#tend();
      await done;
    }
    if (this.crew.errors.length > 0) throw this.crew.errors[0];
  }

  /** The main thread's part: it writes to the FIFOs, and looks whether anything moves. */
  async #tend(): Promise<void> {
    await turn();
    for (const fifo of this.#fifos) if (this.#random(4) === 0) this.#write(fifo);
    const value = this.board.progress();
    const now = performance.now();
    const hasGoneOn = value !== this.#lastProgress.value || this.crew.starting > 0;
    if (hasGoneOn) this.#lastProgress = { value, at: now };
    else if (now - this.#lastProgress.at > HANGS_AFTER_MS) this.#fail();
  }

  #write(fifo: number): void {
    try {
      writeSync(fifo, new Uint8Array(1 + this.#random(MOST_WRITTEN)));
    } catch (error) {
      if ((error as { code?: string }).code !== "EAGAIN") throw error; // It is full: nobody reads.
    }
  }

  #fail(): never {
    console.error(this.describe());
    this.#isOver = true; // Nothing can be closed: what hangs may hold any lock.
    this.crew.stop();
    throw new Error(`Nothing has gone on for ${HANGS_AFTER_MS} ms; see above`);
  }

  /** What there is to know of a run that does not go on. */
  describe(): string {
    const ports = isLinux
      ? enginePorts()
      : this.ports.map((port, index) => `port ${index}: ${JSON.stringify(port.counters)}`);
    const seats = Array.from({ length: THREADS }, (_, seat) => {
      const { what, port, steps } = this.board.doing(seat);
      return `thread ${seat}: ${what}${port < 0 ? "" : ` (port ${port})`}, step ${steps}`;
    });
    const { board, crew } = this;
    const counts = `begun ${board.begun()} of ${board.size}, outstanding ${board.outstanding()}`;
    const requests = isLinux ? engineRequests() : [];
    return [counts, JSON.stringify(crew.ended), ...ports, ...requests, ...seats].join("\n");
  }

  /** Closes all files and takes what is left; then every number must be settled. */
  async drain(): Promise<void> {
    this.#files.closeAll();
    for (let slot = SLOTS; slot < SLOTS + TEMPORARY; slot++) close(this.board.exchange(slot, null));
    for (const [index, port] of this.ports.entries()) {
      await until(() => {
        for (const packet of port.getMany(64, 5)) {
          this.#note(index, packet);
          this.board.countTakes(index, 1);
        }
        const { queued, inFlight } = port.counters;
        return queued === 0 && inFlight === 0;
      }, () => `port ${index} is drained: ${JSON.stringify(port.counters)}\n${this.describe()}`);
    }
    await until(() => {
      using port = new CompletionPort();
      return port.counters.kept === 0;
    }, "what closed ports kept is given back");
  }

  #note(index: number, { operation, key }: Packet): void {
    const id = operation === null ? key : operation.tag;
    if ((this.board.took(id) & TAKEN_MASK) !== 0) {
      throw new Error(`Port ${index} gave number ${id} twice`);
    }
  }

  /** Numbers whose packet was taken more or less often than once, with what is known of them. */
  unsettled(): { lost: number[]; wrong: string[] } {
    const lost: number[] = [];
    const wrong: string[] = [];
    for (let id = 1; id <= this.board.begun(); id++) {
      const mark = this.board.markOf(id);
      const taken = mark & TAKEN_MASK;
      const isRefused = (mark & REFUSED) !== 0;
      if (taken > 1 || taken > 0 && isRefused) wrong.push(`${id}: ${mark.toString(16)}`);
      else if (taken === 0 && (mark & STARTED) !== 0 && (mark & TEMPORARY_PORT) === 0) {
        lost.push(id);
      }
    }
    return { lost, wrong };
  }

  /** Closes and removes all. */
  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const port of this.ports) port.close();
    for (const buffer of this.#buffers) buffer.free();
    for (const fifo of this.#fifos) closeSync(fifo);
    this.folder[Symbol.dispose]();
  }
}

/**
 * What must be as before when a run is over: tables, and nothing of the run's left open. Each of
 * `terminated` threads may have been ended on its way between two of its steps.
 */
export async function untilAsBefore(
  before: Record<string, number>,
  run: Run,
  terminated: number,
): Promise<void> {
  const folder = run.folder.path("");
  const isSame = () =>
    Object.entries(places()).every(([name, count]) =>
      count >= before[name] && count <= before[name] + terminated
    );
  await until(() => {
    new CompletionPort().close(); // Looks after what closed ports have left.
    return isSame();
  }, () => `the tables are as before: ${JSON.stringify([before, places()])}`);
  if (!isLinux) return;
  await until(
    () => Object.values(descriptors(folder)).every((count) => count <= terminated),
    () => `no descriptor is left: ${JSON.stringify(descriptors(folder))}`,
  );
}

/** What the engine keeps of its ports, read without their locks, which may be what hangs; Linux. */
function enginePorts(): string[] {
  const { words, ports } = region();
  return [...ports.taken()].map((place) => {
    const at = layout.PORTS + place * layout.PORT_WORDS;
    const queued = countOf(words[at + layout.P_TAIL], words[at + layout.P_HEAD]);
    const [lock, active, concurrency, waiting, inFlight, watcher] = [
      layout.P_LOCK,
      layout.P_ACTIVE,
      layout.P_CONCURRENCY,
      layout.P_WAITING,
      layout.P_IN_FLIGHT,
      layout.P_WATCHER,
    ].map((word) => words[at + word]);
    return `engine port ${place}: ` +
      JSON.stringify({ lock, queued, active, concurrency, waiting, inFlight, watcher });
  });
}

/** What the engine keeps of its operations in flight; Linux. */
function engineRequests(): string[] {
  const { words, requests } = region();
  return [...requests.taken()].slice(0, 20).map((place) => {
    const at = layout.REQUESTS + place * layout.REQUEST_WORDS;
    const handle = words[at + layout.R_HANDLE];
    const [fd, port, newest, inFlight] = [
      layout.H_FD,
      layout.H_PORT,
      layout.H_NEWEST,
      layout.H_IN_FLIGHT,
    ].map((word) => words[handle + word]);
    const state = words[at + layout.R_STATE];
    return `engine request ${at}: ` + JSON.stringify({ state, fd, port, newest, inFlight });
  });
}

/** Bytes of memory the process has in use. */
export function residentBytes(): number {
  return process.memoryUsage().rss;
}
