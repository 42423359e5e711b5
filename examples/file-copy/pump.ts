/**
 * The pump: one port, one buffer, and up to `depth` operations in flight over
 * all files.
 *
 * A slot is a piece of the buffer and works on one block at a time: it reads it
 * and writes it, or, when a copy is verified, reads it from both files. Each
 * packet names its slot by the tag and starts the slot's next operation; a slot
 * that is done takes the next block, of the next file when one has none left.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { CompletionPort, NativeBuffer, type Packet, Win32Error } from "../../mod.ts";
import { type CopyOptions, SECTOR_BYTES } from "./arguments.ts";
import type { Crew } from "./crew.ts";
import type { FileItem } from "./plan.ts";
import type { Progress } from "./progress.ts";
import type { Outcome, Step } from "./slots.ts";
import { type Block, TARGET, Transfer } from "./transfer.ts";

/** Milliseconds after which the event loop gets a turn: for signals, and for the progress bar. */
const TURN_MS = 25;

/** Files open at once, however deep: each takes two descriptors, of which systems allow 1,024 or so. */
const MAX_OPEN_FILES = 256;

/** A piece of the buffer, at work. */
interface Slot {
  readonly tag: number;
  readonly whole: NativeBuffer;
  /** Where verifying reads the source and the copy to. */
  readonly halves: readonly [NativeBuffer, NativeBuffer];
  step: Step;
  transfer: Transfer;
  block: Block;
}

/** The end of an operation, whoever has taken its packet. */
interface Ended {
  readonly tag: number;
  readonly key: number;
  readonly error: Win32Error | null;
  readonly bytes: number;
}

function endedOfPacket({ key, operation, error, bytesTransferred }: Packet): Ended {
  return { tag: operation!.tag, key, error, bytes: bytesTransferred };
}

function endedOfOutcome({ tag, key, code, bytes }: Outcome): Ended {
  const call = key === TARGET ? "WriteFile" : "ReadFile";
  return { tag, key, error: code === 0 ? null : new Win32Error(code, call), bytes };
}

/** Who looks on while the pump runs. */
export interface Watch {
  readonly progress: Progress;
  /** Throws if the copy is to end. */
  check(): void;
}

/** Moves files through one port. Disposing of it gives up what is not whole. */
export class Pump {
  readonly #options: CopyOptions;
  readonly #watch: Watch;
  readonly #crew: Crew | null;
  readonly #port: CompletionPort;
  readonly #buffer: NativeBuffer;
  readonly #slots: (Slot | null)[];
  readonly #idle: number[];
  readonly #slotBytes: number;
  /** All that have handles open. */
  readonly #open: Set<Transfer> = new Set();
  /** Those of them with blocks to give out, the oldest last. */
  readonly #withBlocks: Transfer[] = [];
  #files: Iterator<FileItem> = [].values();
  #isLastOpen = false;
  /** Bytes of the blocks that slots work on. */
  #bytes = 0;
  #refused: string | null = null;

  /** A pump for files that are copied by `options`; with a crew, that takes the packets. */
  constructor(options: CopyOptions, watch: Watch, crew: Crew | null = null) {
    this.#crew = crew;
    this.#port = crew === null ? new CompletionPort({ concurrency: 1 }) : crew.pool.port;
    const { depth, block, verify } = options;
    this.#options = options;
    this.#watch = watch;
    this.#slotBytes = verify ? Math.max(block, 2 * SECTOR_BYTES) : block;
    this.#buffer = NativeBuffer.allocate(depth * this.#slotBytes);
    this.#slots = Array(depth).fill(null);
    this.#idle = [...this.#slots.keys()].reverse();
  }

  /** The first reason why a mode or a time could not be kept, if any. */
  get refused(): string | null {
    return this.#refused;
  }

  /**
   * Copies `files`. It waits on the port, and lets the event loop turn now and then.
   *
   * @throws {CopyFailure} at the first file that cannot be copied.
   */
  async run(files: Iterable<FileItem>): Promise<void> {
    this.#files = files[Symbol.iterator]();
    this.#isLastOpen = false;
    let outcomes: Ended[] = [];
    let turned = performance.now();
    for (;;) {
      // What the packets start goes to the kernel together.
      this.#port.batch(() => {
        for (const outcome of outcomes) this.#advance(outcome);
        this.#fill();
      });
      const isBusy = this.#idle.length < this.#slots.length;
      if (!isBusy && this.#isLastOpen) return;
      if (!isBusy) outcomes = [];
      else if (this.#crew === null) outcomes = this.#take();
      else outcomes = (await this.#crew.outcomes(TURN_MS)).map(endedOfOutcome);
      const now = performance.now();
      if (now - turned < TURN_MS) continue;
      await new Promise<void>((resolve) => setImmediate(resolve));
      this.#watch.check();
      this.#watch.progress.tick(now);
      turned = now;
    }
  }

  /** Gives up every file that is not whole: nothing of it is left. Waits for what is in flight. */
  [Symbol.dispose](): void {
    for (const transfer of this.#open) transfer.cancel();
    // A crew has taken what there was when it ended.
    while (this.#crew === null && this.#port.counters.inFlight > 0) {
      this.#port.getMany(this.#slots.length);
    }
    for (const transfer of this.#open) transfer.abandon();
    this.#open.clear();
    this.#buffer.free();
    this.#port.close();
  }

  /** What has ended; waits for something a while. */
  #take(): Ended[] {
    return this.#port.getMany(this.#slots.length, TURN_MS).map(endedOfPacket);
  }

  /** A slot's operation has ended: starts its next one, or frees the slot. */
  #advance({ tag, key, error, bytes }: Ended): void {
    const slot = this.#slots[tag]!;
    const { transfer, block, whole, halves } = slot;
    transfer.check(key, error, bytes, block);
    // A crew has started the write by itself.
    if (this.#crew !== null && key === TARGET && slot.step === "read") slot.step = "write";
    switch (slot.step) {
      case "read":
        slot.step = "write";
        return transfer.write(whole, block, tag);
      case "read source":
        slot.step = "read copy";
        this.#crew?.slots.step(tag, slot.step);
        return transfer.readBack(halves[1], block, tag);
      case "read copy":
        transfer.compare(halves[0], halves[1], block);
        break;
      case "write":
    }
    this.#idle.push(tag);
    this.#bytes -= block.length;
    this.#watch.progress.add(block.length);
    if (transfer.blockDone(block)) this.#passDone(transfer);
  }

  /** All blocks of a file have been written, or compared. */
  #passDone(transfer: Transfer): void {
    if (transfer.beginVerifying()) {
      this.#withBlocks.push(transfer);
      return;
    }
    this.#refused ??= transfer.complete();
    this.#open.delete(transfer);
    this.#watch.progress.fileDone();
  }

  /** Gives the idle slots work; opens as many files as that needs. */
  #fill(): void {
    const { depth, maxBytes = Infinity } = this.#options;
    for (let opened = 0; this.#idle.length > 0 && this.#bytes < maxBytes;) {
      const transfer = this.#withBlocks.at(-1);
      if (transfer === undefined) {
        // Of empty files there may be many: they must not keep the event loop from its turn.
        if (opened++ === depth || this.#open.size === MAX_OPEN_FILES) return;
        if (!this.#openNext()) return;
        continue;
      }
      const block = transfer.nextBlock(this.#pieceBytes(transfer));
      if (block === null) this.#withBlocks.pop();
      else this.#begin(transfer, block);
    }
  }

  /** Opens the next file; false if there is none. */
  #openNext(): boolean {
    const { done, value: item } = this.#files.next();
    if (done) {
      this.#isLastOpen = true;
      return false;
    }
    const transfer = Transfer.open(item, this.#port, this.#options);
    this.#open.add(transfer);
    if (item.size !== null) this.#watch.progress.resize(transfer.size - item.size);
    item.size = transfer.size;
    if (transfer.size > 0) this.#withBlocks.push(transfer);
    else this.#passDone(transfer);
    return true;
  }

  #begin(transfer: Transfer, block: Block): void {
    const tag = this.#idle.pop()!;
    this.#bytes += block.length;
    const step = transfer.isVerifying ? "read source" : "read";
    const slot = this.#slots[tag] ??= this.#makeSlot(tag, transfer, block);
    slot.step = step;
    slot.transfer = transfer;
    slot.block = block;
    this.#crew?.slots.begin(tag, step, block.length, transfer.target);
    transfer.read(step === "read" ? slot.whole : slot.halves[0], block, tag);
  }

  #makeSlot(tag: number, transfer: Transfer, block: Block): Slot {
    const whole = this.#buffer.subarray(tag * this.#slotBytes, (tag + 1) * this.#slotBytes);
    const middle = this.#halfBytes();
    const halves = [whole.subarray(0, middle), whole.subarray(middle, 2 * middle)] as const;
    return { tag, whole, halves, step: "read", transfer, block };
  }

  /** How much a slot does at a time: all its bytes, or half of them when both files are read. */
  #pieceBytes(transfer: Transfer): number {
    return transfer.isVerifying ? this.#halfBytes() : this.#options.block;
  }

  #halfBytes(): number {
    return Math.floor(this.#slotBytes / 2 / SECTOR_BYTES) * SECTOR_BYTES;
  }
}
