/**
 * What one thread of a stress run does, at random.
 *
 * @module
 */

import {
  type BufferToken,
  CompletionPort,
  type FileHandle,
  NativeBuffer,
  type Operation,
  type Packet,
  type PortToken,
} from "../../../src/pool/thread.ts";
import { randomFrom } from "../../conformance/random.ts";
import {
  Board,
  type BoardToken,
  PORTS,
  REFUSED,
  SLOTS,
  STARTED,
  TAKEN_MASK,
  TEMPORARY,
  TEMPORARY_PORT,
} from "../board.ts";
import { FILE_BYTES, Files, isClosedError } from "./files.ts";
import { stayOnTemporaryPort, visitTemporaryPort } from "./temporary.ts";

/** What a thread is told. */
export interface Orders {
  readonly board: BoardToken;
  readonly ports: readonly PortToken[];
  /** Memory of the seat, to read into. */
  readonly buffer: BufferToken;
  /** A regular file, and FIFOs that the main thread writes to. */
  readonly paths: readonly string[];
  readonly seed: number;
  /** Which of the threads it is; one that replaces another has its seat. */
  readonly seat: number;
  /** How much it does before it ends. */
  readonly actions: number;
  readonly end: "return" | "throw" | "terminate";
}

/** Numbers without a packet at which nothing more is begun. */
const MOST_OUTSTANDING = 1500;

/** Errors an operation may end with: refused, end of file, end of pipe, cancelled. */
const EXPECTED_ERRORS = [5, 38, 109, 995];

/** Everything a thread of the run has at hand. */
export class Thread {
  readonly board: Board;
  readonly random: (limit: number) => number;
  readonly files: Files;
  readonly paths: readonly string[];
  readonly seat: number;
  readonly buffer: NativeBuffer;
  readonly #ports: CompletionPort[];
  /** The last few operations started or taken here, to be cancelled perhaps too late. */
  readonly #operations: Operation[] = [];
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4));

  constructor({ board, ports, buffer, paths, seed, seat }: Orders) {
    this.buffer = NativeBuffer.attach(buffer);
    this.board = new Board(board);
    this.files = new Files(this.board);
    this.random = randomFrom(seed);
    this.#ports = ports.map((token) => CompletionPort.attach(token));
    this.paths = paths;
    this.seat = seat;
  }

  /** Does one thing. */
  act(): void {
    if (this.board.outstanding() > MOST_OUTSTANDING) return this.relieve();
    const dice = this.random(1000);
    if (dice < 420) this.take();
    else if (dice < 680) this.post();
    else if (dice < 880) this.read();
    else if (dice < 915) this.cancel();
    else if (dice < 930) this.batch();
    else if (dice < 945) this.block();
    else if (dice < 965) this.open();
    else if (dice < 975) this.close();
    else if (dice < 985) this.refusedWrite();
    else if (dice < 993) visitTemporaryPort(this);
    else stayOnTemporaryPort(this);
  }

  /** Nothing but what makes numbers fewer. */
  relieve(): void {
    if (this.random(10) < 8) this.take();
    else if (this.random(2) === 0) this.cancel();
    else this.open();
  }

  /** Says what it does, and with which port. */
  say(doing: Parameters<Board["say"]>[1], port = -1): void {
    this.board.say(this.seat, doing, port);
  }

  /** One of the run's ports. */
  port(index: number): CompletionPort {
    return this.#ports[index];
  }

  take(): void {
    const index = this.random(PORTS);
    this.say("take", index);
    const packets = this.takeFrom(this.#ports[index]);
    this.board.countTakes(index, packets.length);
    for (const packet of packets) this.note(packet);
  }

  /** Takes one or many, with any timeout. */
  takeFrom(port: CompletionPort): Packet[] {
    const timeoutMs = [0, 0, 1, 5][this.random(4)];
    if (this.random(3) > 0) return port.getMany(1 + this.random(64), timeoutMs);
    const packet = port.get(timeoutMs);
    return packet === null ? [] : [packet];
  }

  /** Accounts for a packet and looks whether it is as it should be. */
  note(packet: Packet): void {
    const { operation, error, key, bytesTransferred } = packet;
    const id = operation === null ? key : operation.tag;
    const before = this.board.took(id);
    if ((before & TAKEN_MASK) !== 0) throw new Error(`Number ${id} was taken twice`);
    if ((before & TEMPORARY_PORT) === 0) this.board.settle(1);
    if (operation === null) {
      if (bytesTransferred !== id % 1000) throw new Error(`Packet ${id} says ${bytesTransferred}`);
      return;
    }
    if (error !== null && !EXPECTED_ERRORS.includes(error.code)) throw error;
    this.#checkCount(packet, operation);
    if (this.random(8) === 0) this.#remember(operation);
  }

  /** A read of the regular file is whole, up to the file's end. Those of FIFOs have offset 0. */
  #checkCount({ error, bytesTransferred }: Packet, { offset, tag }: Operation): void {
    if (offset === 0 || error !== null) return;
    const expected = Math.min(lengthOf(tag), FILE_BYTES - offset);
    if (bytesTransferred === expected) return;
    throw new Error(`Read ${tag} at ${offset}: ${bytesTransferred} bytes, not ${expected}`);
  }

  #remember(operation: Operation): void {
    if (this.#operations.length < 16) this.#operations.push(operation);
    else this.#operations[this.random(16)] = operation;
  }

  /** One packet, or a burst of them. */
  post(): void {
    const index = this.random(PORTS);
    this.say("post", index);
    const count = this.random(10) === 0 ? 1 + this.random(200) : 1;
    for (let i = 0; i < count; i++) {
      this.postTo(this.#ports[index], STARTED);
      this.board.countPost(index);
    }
  }

  /** Posts a packet with a number of its own. */
  postTo(port: CompletionPort, mark: number): void {
    const id = this.board.next();
    this.board.mark(id, mark);
    port.post({ key: id, bytesTransferred: id % 1000 });
  }

  read(): void {
    this.say("read");
    const count = this.random(8) === 0 ? 1 + this.random(16) : 1;
    const file = this.files.at(this.random(SLOTS));
    if (file === null) return;
    for (let i = 0; i < count; i++) this.readFrom(file, STARTED);
  }

  /** Starts a read with a number of its own; false if the file is closed. */
  readFrom(file: FileHandle, mark: number): boolean {
    const isStream = file.name.includes("fifo-");
    const offset = isStream ? 0 : 1 + this.random(FILE_BYTES + 2000);
    const begin = this.random(4096);
    return this.#start(mark, (id) => {
      const length = isStream ? 1 + id % 16 : lengthOf(id);
      return file.read(this.buffer.subarray(begin, begin + length), offset, id);
    });
  }

  /** Starts what throws only if the file is closed; then no packet may come. */
  #start(mark: number, start: (id: number) => Operation): boolean {
    const id = this.board.next();
    this.board.mark(id, mark);
    try {
      const operation = start(id);
      if (this.random(4) === 0) this.#remember(operation);
      return true;
    } catch (error) {
      if (!isClosedError(error)) throw error;
      this.board.mark(id, REFUSED - mark);
      if ((mark & TEMPORARY_PORT) === 0) this.board.settle(1);
      return false;
    }
  }

  /** An operation the file was not opened for: its packet comes all the same. */
  refusedWrite(): void {
    this.say("refused write");
    const file = this.files.at(0);
    if (file === null) return;
    if (this.writeTo(file, STARTED)) this.board.countRefusedWrite();
  }

  /** Starts a write on a file opened for reading; false if it or its port is closed. */
  writeTo(file: FileHandle, mark: number): boolean {
    const buffer = this.buffer.subarray(0, 8);
    return this.#start(mark, (id) => file.write(buffer, 0, id));
  }

  cancel(): void {
    this.say("cancel");
    if (this.random(3) > 0) {
      this.#operations[this.random(16)]?.cancel();
      return;
    }
    try {
      this.files.at(this.random(SLOTS))?.cancel();
    } catch (error) {
      if (!isClosedError(error)) throw error;
    }
  }

  open(): void {
    const slot = this.random(SLOTS);
    const index = this.random(PORTS);
    this.say("open", index);
    this.files.replace(slot, this.pathFor(slot), this.#ports[index]);
  }

  /** Odd slots have FIFOs, where there are any; slot 0 is for the regular file. */
  pathFor(slot: number): string {
    const fifos = this.paths.length - 1;
    return slot % 2 === 0 || fifos === 0 ? this.paths[0] : this.paths[1 + this.random(fifos)];
  }

  close(): void {
    this.say("close");
    this.files.close(this.random(SLOTS));
  }

  /** Blocks elsewhere, mostly after having said so. */
  block(): void {
    this.say("blocking");
    const sleep = () => Atomics.wait(this.#sleeper, 0, 0, this.random(3));
    if (this.random(3) === 0) sleep();
    else this.#ports[this.random(PORTS)].blocking(sleep);
  }

  /** Several starts handed over together, and sometimes a take among them. */
  batch(): void {
    this.say("batch");
    this.#ports[this.random(PORTS)].batch(() => {
      for (let i = this.random(6); i >= 0; i--) {
        const dice = this.random(8);
        if (dice === 0) this.post();
        else if (dice === 1) this.take();
        else this.read();
      }
    });
  }

  /** Where a thread puts its temporary ports. */
  temporarySlot(): number {
    return SLOTS + this.random(TEMPORARY);
  }
}

/** How many bytes read number `id` asks for: whoever takes its packet knows it too. */
function lengthOf(id: number): number {
  return 1 + (Math.imul(id, 0x9e3779b1) >>> 20);
}
