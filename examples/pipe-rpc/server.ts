/**
 * The server: several instances of the pipe on one port, each with one client at a
 * time. What an instance does next follows from the packet it has just had.
 *
 * @module
 */

import { CompletionPort, NativeBuffer, type Packet, PipeHandle } from "../../mod.ts";
import type { Interrupts } from "../program/interrupts.ts";
import type { Screen } from "../program/screen.ts";
import { answerTo, encode, joined } from "./messages.ts";

/** Bytes of a message that is read in one piece; of a longer one there are more. */
const PIECE_BYTES = 4096;
/** Bytes of a call beyond which its client is parted from. */
const MAX_CALL_BYTES = 16 * 1024 * 1024;
/** Milliseconds without a packet after which the event loop has its turn, which sees signals. */
const TURN_MS = 100;

const ERROR_MORE_DATA = 234;

/** One instance and what it has of its client's message. */
class Instance {
  readonly pipe: PipeHandle;
  readonly #buffer: NativeBuffer = NativeBuffer.allocate(PIECE_BYTES);
  #pieces: Uint8Array[] = [];
  #byteLength = 0;
  #answer: NativeBuffer | null = null;

  constructor(name: string, isFirst: boolean) {
    this.pipe = PipeHandle.serve(name, { type: "message", first: isFirst });
  }

  /** Goes on after a packet of this instance. */
  goOn({ operation, error, bytesTransferred }: Packet): void {
    const kind = operation!.kind;
    this.#dropAnswer();
    if (kind === "read" && (error === null || error.code === ERROR_MORE_DATA)) {
      this.#pieces.push(this.#buffer.bytes.slice(0, bytesTransferred));
      this.#byteLength += bytesTransferred;
      if (this.#byteLength > MAX_CALL_BYTES) this.#takeNext();
      else if (error === null) this.#reply();
      else this.pipe.read(this.#buffer);
    } else if (error === null) this.pipe.read(this.#buffer);
    else this.#takeNext();
  }

  #reply(): void {
    const bytes = encode(answerTo(joined(this.#pieces)));
    this.#forget();
    this.#answer = NativeBuffer.allocate(bytes.length);
    this.#answer.bytes.set(bytes);
    this.pipe.write(this.#answer);
  }

  /** The client has gone, or has to: the next one may come. */
  #takeNext(): void {
    this.#forget();
    this.pipe.disconnect();
    this.pipe.connect();
  }

  #forget(): void {
    this.#pieces = [];
    this.#byteLength = 0;
  }

  #dropAnswer(): void {
    this.#answer?.free();
    this.#answer = null;
  }

  /** Closes the pipe; what is in flight keeps its memory until its packet is taken. */
  [Symbol.dispose](): void {
    this.pipe.close();
    this.#dropAnswer();
    this.#buffer.free();
  }
}

/** Serves until a signal comes; returns by its error. */
export async function serve(
  name: string,
  instances: number,
  screen: Screen,
  interrupts: Interrupts,
): Promise<never> {
  using port = new CompletionPort();
  using stack = new DisposableStack();
  const all: Instance[] = [];
  for (let i = 0; i < instances; i++) {
    const instance = stack.use(new Instance(name, i === 0));
    all.push(instance);
    port.associate(instance.pipe, i);
    instance.pipe.connect();
  }
  screen.print(`serving ${name}, ${instances} at once`);
  for (;;) {
    for (const packet of port.getMany(64, TURN_MS)) all[packet.key].goOn(packet);
    await new Promise((resolve) => setTimeout(resolve, 0));
    interrupts.check();
  }
}
