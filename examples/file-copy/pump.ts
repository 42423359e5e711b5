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
import { CompletionPort, NativeBuffer, type Packet } from "../../mod.ts";
import { type CopyOptions, SECTOR_BYTES } from "./arguments.ts";
import type { FileItem } from "./plan.ts";
import type { Progress } from "./progress.ts";
import { type Block, Transfer } from "./transfer.ts";

/** Milliseconds after which the event loop gets a turn: for signals, and for the progress bar. */
const TURN_MS = 25;

/** Files open at once, however deep: each takes two descriptors, of which systems allow 1,024 or so. */
const MAX_OPEN_FILES = 256;

/** What a slot is waiting for. */
type Step = "read" | "write" | "read source" | "read copy";

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
  readonly #port: CompletionPort = new CompletionPort({ concurrency: 1 });
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
  #refused: string | null = null;

  /** A pump for files that are copied by `options`. */
  constructor(options: CopyOptions, watch: Watch) {
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
    let packets: Packet[] = [];
    let turned = performance.now();
    for (;;) {
      // What the packets start goes to the kernel together.
      this.#port.batch(() => {
        for (const packet of packets) this.#advance(packet);
        this.#fill();
      });
      const isBusy = this.#idle.length < this.#slots.length;
      if (!isBusy && this.#isLastOpen) return;
      packets = isBusy ? this.#port.getMany(this.#slots.length, TURN_MS) : [];
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
    while (this.#port.counters.inFlight > 0) this.#port.getMany(this.#slots.length);
    for (const transfer of this.#open) transfer.abandon();
    this.#open.clear();
    this.#buffer.free();
    this.#port.close();
  }

  /** A slot's operation has ended: starts its next one, or frees the slot. */
  #advance({ key, operation, error, bytesTransferred }: Packet): void {
    const slot = this.#slots[operation!.tag]!;
    const { tag, transfer, block, whole, halves } = slot;
    transfer.check(key, error, bytesTransferred, block);
    switch (slot.step) {
      case "read":
        slot.step = "write";
        return transfer.write(whole, block, tag);
      case "read source":
        slot.step = "read copy";
        return transfer.readBack(halves[1], block, tag);
      case "read copy":
        transfer.compare(halves[0], halves[1], block);
        break;
      case "write":
    }
    this.#idle.push(tag);
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
    for (let opened = 0; this.#idle.length > 0;) {
      const transfer = this.#withBlocks.at(-1);
      if (transfer === undefined) {
        // Of empty files there may be many: they must not keep the event loop from its turn.
        if (opened++ === this.#options.depth || this.#open.size === MAX_OPEN_FILES) return;
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
    this.#watch.progress.resize(transfer.size - item.size);
    if (transfer.size > 0) this.#withBlocks.push(transfer);
    else this.#passDone(transfer);
    return true;
  }

  #begin(transfer: Transfer, block: Block): void {
    const tag = this.#idle.pop()!;
    const step = transfer.isVerifying ? "read source" : "read";
    const slot = this.#slots[tag] ??= this.#makeSlot(tag, transfer, block);
    slot.step = step;
    slot.transfer = transfer;
    slot.block = block;
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
