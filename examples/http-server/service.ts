/**
 * What a thread does for the clients: which answer a request gets, and what comes after
 * a packet. A connection has one operation in flight; see `serving/table.ts`.
 *
 * @module
 */

import {
  FileHandle,
  type NativeBuffer,
  type Packet,
  type PoolThread,
} from "../../src/pool/thread.ts";
import { Desk } from "../serving/desk.ts";
import type { TableData } from "../serving/table.ts";
import { headOf, refusalAnswer } from "./answer.ts";
import { isKnown, isPlain, isSameState } from "./conditions.ts";
import { Files, openFile, type ServedFile } from "./files.ts";
import { type Part, readRange } from "./range.ts";
import { Refusal } from "./refusal.ts";
import { MAX_HEAD_BYTES, readRequest, type Request } from "./request.ts";

/** Bytes for an answer's head, and with it for a file that is small. */
const ANSWER_BYTES = 16 * 1024;
/** Bytes of a connection's memory: what it reads, and what it sends. */
export const SLOT_BYTES: number = MAX_HEAD_BYTES + ANSWER_BYTES;
/** Bytes of a file that is sent from memory: opening one and splicing it takes longer than copying so much. */
const SMALL_BYTES = 64 * 1024;
/** Bytes of a file that are sent by one operation: what Windows takes at most is a bit more. */
const PIECE_BYTES = 1 << 30;

// Seconds that a client may take: for its next request; for the rest of a request's head; to
// see that the connection ends; and for bytes sent to it, beside a second for each so many.
const IDLE_SECONDS = 75;
const HEAD_SECONDS = 20;
const LINGER_SECONDS = 5;
const SEND_SECONDS = 30;
const SLOWEST_BYTES = 16 * 1024;

// The words of a connection.
/** Bytes of a request that have come. */
const FILLED = 0;
/** What is to be done when the answer is with the client. */
const THEN = 1;
/** The file that is being sent, if it takes several operations. */
const FILE_PLACE = 2;
const FILE_GENERATION = 3;
/** Where the next piece of it begins, and where the last one ends. From here on: numbers of 64 bits. */
const PIECE = 4;
const END = 6;
/** Bytes that are being sent. */
const EXPECTED = 8;

const NEXT_REQUEST = 0;
/** The connection is to be closed. */
const CLOSE = 1;
/** It is being closed: what still comes is thrown away. */
const LINGER = 2;

/** What each thread is handed. */
export interface HttpData extends TableData {
  /** The folder that is served; no part of the path is a link. */
  readonly root: string;
}

/** A thread's part of the server. */
export class Service {
  readonly #thread: PoolThread;
  readonly #desk: Desk;
  readonly #files: Files;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #numbers: Float64Array<SharedArrayBuffer>;

  /** The part of a thread that was handed `data`. */
  constructor(thread: PoolThread, data: HttpData) {
    this.#thread = thread;
    this.#desk = new Desk(thread, data);
    this.#files = new Files(data.root, SMALL_BYTES);
    this.#words = this.#desk.table.words;
    this.#numbers = this.#desk.table.numbers;
  }

  /** A client has come, or is not going to. */
  accepted(packet: Packet): void {
    const slot = this.#desk.receive(packet);
    if (slot < 0) return;
    try {
      this.#readOn(slot, 0);
    } catch (error) {
      this.#desk.giveUp(slot, error);
    }
  }

  /** Goes on after a packet of the connection that is its key. */
  goOn({ key: slot, operation, error, bytesTransferred }: Packet): void {
    if (error !== null) return this.#end(slot);
    try {
      if (operation!.kind === "receive") this.#received(slot, bytesTransferred);
      else this.#sent(slot, bytesTransferred);
    } catch (error) {
      this.#forgetFile(slot);
      this.#desk.giveUp(slot, error);
    }
  }

  /** The thread ends. */
  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
    this.#desk[Symbol.dispose]();
  }

  #received(slot: number, bytes: number): void {
    const own = this.#own(slot);
    if (bytes === 0) return this.#end(slot);
    if (this.#words[own + THEN] === LINGER) return this.#receive(slot, 0);
    const seen = this.#words[own + FILLED];
    this.#words[own + FILLED] = seen + bytes;
    this.#serve(slot, seen);
  }

  #sent(slot: number, bytes: number): void {
    const own = this.#own(slot);
    // A file that has become shorter: no more can be said here that would be understood.
    if (bytes !== this.#numbers[own + EXPECTED >> 1]) return this.#end(slot);
    if (this.#hasMore(slot)) return this.#sendPiece(slot, this.#file(slot), 0);
    if (this.#words[own + THEN] === NEXT_REQUEST) return this.#serve(slot, 0);
    // What the client still sends must not come to a closed socket: that would take from it
    // what it has not read yet of the answer.
    this.#words[own + THEN] = LINGER;
    this.#desk.table.setDeadline(slot, LINGER_SECONDS);
    this.#desk.socket(slot).shutdown("send");
    this.#receive(slot, 0);
  }

  /** Answers the request that has come, or waits for more of it. */
  #serve(slot: number, seen: number): void {
    const own = this.#own(slot);
    const filled = this.#words[own + FILLED];
    const bytes = this.#desk.memory(slot).bytes.subarray(0, filled);
    let request: Request | null = null;
    try {
      request = filled === 0 ? null : readRequest(bytes, seen);
      if (request === null) return this.#readOn(slot, seen);
      // What lies behind it is the beginning of the next one.
      bytes.copyWithin(0, request.byteLength);
      this.#words[own + FILLED] = filled - request.byteLength;
      const isLast = !request.keepsAlive || request.hasBody || this.#desk.table.isClosing;
      this.#words[own + THEN] = isLast ? CLOSE : NEXT_REQUEST;
      this.#answer(slot, request);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (request === null) this.#words[own + THEN] = CLOSE;
      const keepsAlive = this.#words[own + THEN] === NEXT_REQUEST;
      this.#sendText(slot, refusalAnswer(error, keepsAlive, request?.method === "HEAD"));
    }
  }

  #readOn(slot: number, seen: number): void {
    const filled = this.#words[this.#own(slot) + FILLED];
    this.#desk.table.setIdle(slot, filled === 0);
    if (filled === 0) this.#desk.table.setDeadline(slot, IDLE_SECONDS);
    // However slowly the rest of it comes: a head's time counts from its first bytes on.
    else if (seen === 0) this.#desk.table.setDeadline(slot, HEAD_SECONDS);
    this.#receive(slot, filled);
  }

  #receive(slot: number, filled: number): void {
    const room = this.#desk.memory(slot).subarray(filled, MAX_HEAD_BYTES);
    this.#desk.socket(slot).receive(room, slot);
  }

  #answer(slot: number, { method, target, fields }: Request): void {
    if (method !== "GET" && method !== "HEAD") {
      throw new Refusal(405, "files are only read here", { Allow: "GET, HEAD" });
    }
    const file = this.#files.find(target, this.#thread.batch);
    const keepsAlive = this.#words[this.#own(slot) + THEN] === NEXT_REQUEST;
    const isUsual = keepsAlive && method === "GET" && file.byteLength > 0 && isPlain(fields);
    if (isUsual && this.#sendUsual(slot, file)) return;
    const state = { "Last-Modified": file.modified, ETag: file.tag };
    if (isKnown(fields, file)) return this.#sendText(slot, headOf(304, keepsAlive, state));
    const range = method === "GET" && isSameState(fields, file) ? fields.get("range") : undefined;
    const part = range === undefined ? null : readRange(range, file.byteLength);
    const { offset, byteLength } = part ?? { offset: 0, byteLength: file.byteLength };
    const head = headOf(part === null ? 200 : 206, keepsAlive, {
      "Content-Type": file.type,
      "Content-Length": byteLength,
      ...state,
      "Accept-Ranges": "bytes",
      ...part && { "Content-Range": contentRange(part, file.byteLength) },
    });
    if (method === "HEAD" || byteLength === 0) this.#sendText(slot, head);
    else if (file.content === null) this.#sendFile(slot, head, file, { offset, byteLength });
    else this.#sendContent(slot, head, file.content.subarray(offset, offset + byteLength));
  }

  /** Sends all of a file with a head that is in memory already; false if there is none. */
  #sendUsual(slot: number, file: ServedFile): boolean {
    const answer = this.#files.answer(file);
    if (answer === null || file.byteLength > PIECE_BYTES) return false;
    const { buffer, isWhole } = answer;
    this.#expect(slot, isWhole ? buffer.byteLength : buffer.byteLength + file.byteLength);
    const socket = this.#desk.socket(slot);
    if (isWhole) socket.send(buffer, slot);
    else if (file.content !== null) socket.send([buffer, file.content], slot);
    else {
      const { byteLength } = file;
      socket.transmitFile(this.#files.open(file), { byteLength, head: buffer }, slot);
    }
    return true;
  }

  #sendText(slot: number, text: string): void {
    const { written } = encoder.encodeInto(text, this.#answerRoom(slot));
    this.#expect(slot, written);
    this.#desk.socket(slot).send(this.#head(slot, written), slot);
  }

  /** Sends what is in memory: behind its head, if there is room for that, else as a second buffer. */
  #sendContent(slot: number, head: string, content: NativeBuffer): void {
    const room = this.#answerRoom(slot);
    const { written } = encoder.encodeInto(head, room);
    const byteLength = written + content.byteLength;
    this.#expect(slot, byteLength);
    const socket = this.#desk.socket(slot);
    if (byteLength <= ANSWER_BYTES) {
      room.set(content.bytes, written);
      socket.send(this.#head(slot, byteLength), slot);
    } else socket.send([this.#head(slot, written), content], slot);
  }

  #sendFile(slot: number, head: string, file: ServedFile, { offset, byteLength }: Part): void {
    const own = this.#own(slot);
    const handle = openFile(file);
    this.#numbers[own + PIECE >> 1] = offset;
    this.#numbers[own + END >> 1] = offset + byteLength;
    this.#sendPiece(slot, handle, encoder.encodeInto(head, this.#answerRoom(slot)).written);
  }

  /** Sends a head, if it has bytes, and as much of the file as one operation takes: that keeps it open. */
  #sendPiece(slot: number, file: FileHandle, headBytes: number): void {
    const own = this.#own(slot);
    const offset = this.#numbers[own + PIECE >> 1];
    const end = this.#numbers[own + END >> 1];
    const byteLength = Math.min(end - offset, PIECE_BYTES);
    this.#numbers[own + PIECE >> 1] = offset + byteLength;
    const { place, generation } = file.token;
    this.#words[own + FILE_PLACE] = place;
    this.#words[own + FILE_GENERATION] = generation;
    this.#expect(slot, headBytes + byteLength);
    const head = headBytes === 0 ? {} : { head: this.#head(slot, headBytes) };
    try {
      this.#desk.socket(slot).transmitFile(file, { offset, byteLength, ...head }, slot);
    } finally {
      if (offset + byteLength === end) file.close();
    }
  }

  #answerRoom(slot: number): Uint8Array<ArrayBuffer> {
    return this.#desk.memory(slot).bytes.subarray(MAX_HEAD_BYTES);
  }

  #head(slot: number, byteLength: number): NativeBuffer {
    return this.#desk.memory(slot).subarray(MAX_HEAD_BYTES, MAX_HEAD_BYTES + byteLength);
  }

  /** So many bytes are on their way: the time that this may take. */
  #expect(slot: number, byteLength: number): void {
    const seconds = SEND_SECONDS + Math.ceil(byteLength / SLOWEST_BYTES);
    this.#numbers[this.#own(slot) + EXPECTED >> 1] = byteLength;
    this.#desk.table.setIdle(slot, false);
    this.#desk.table.setDeadline(slot, seconds);
  }

  /** Whether a piece of a file is to be sent next. */
  #hasMore(slot: number): boolean {
    const own = this.#own(slot);
    return this.#numbers[own + PIECE >> 1] < this.#numbers[own + END >> 1];
  }

  #file(slot: number): FileHandle {
    const own = this.#own(slot);
    const { [own + FILE_PLACE]: place, [own + FILE_GENERATION]: generation } = this.#words;
    return FileHandle.attach({ kind: "iocp.file", place, generation });
  }

  #end(slot: number): void {
    this.#forgetFile(slot);
    this.#desk.end(slot);
  }

  #forgetFile(slot: number): void {
    if (this.#hasMore(slot)) this.#file(slot).close();
  }

  #own(slot: number): number {
    return this.#desk.table.own(slot);
  }
}

const encoder = new TextEncoder();

function contentRange({ offset, byteLength }: Part, size: number): string {
  return `bytes ${offset}-${offset + byteLength - 1}/${size}`;
}
