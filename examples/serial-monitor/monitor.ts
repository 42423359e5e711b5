/**
 * The heart of the monitor: a read, a write and a wait in flight on one line, and
 * whoever's packet comes is started again.
 *
 * @module
 */

import {
  CompletionPort,
  NativeBuffer,
  type Packet,
  SERIAL_EVENTS,
  SerialHandle,
} from "../../mod.ts";
import type { Interrupts } from "../program/interrupts.ts";
import type { Screen } from "../program/screen.ts";
import type { MonitorOptions } from "./arguments.ts";
import { Show } from "./show.ts";

/** What is typed. */
export interface Keyboard {
  /** The next line that was typed, without its end; `undefined` if there is none yet. */
  next(): string | undefined;
}

const READ_BYTES = 4096;
/** Longer lines that are typed are sent in parts. */
const WRITE_BYTES = 4096;
/** How long a wait for packets lasts before what was typed, and Ctrl-C, are looked at. */
const TURN_MS = 20;

const { cts, dsr, carrier, ring, break: breakEvent, error } = SERIAL_EVENTS;
const EVENTS = cts | dsr | carrier | ring | breakEvent | error;

/** Watches the line `path` until a signal comes, which is thrown, or the line is gone. */
export async function watch(
  path: string,
  options: MonitorOptions,
  screen: Screen,
  keyboard: Keyboard,
  interrupts: Interrupts,
): Promise<never> {
  using port = new CompletionPort();
  using line = SerialHandle.open(path, options.serial);
  using input = NativeBuffer.allocate(READ_BYTES);
  using output = NativeBuffer.allocate(WRITE_BYTES);
  const monitor = new Monitor(line, input, output, options, screen, keyboard);
  port.associate(line, 0);
  monitor.start();
  screen.complain(`${path} is open; end with Ctrl-C`);
  for (;;) {
    for (const packet of port.getMany(8, TURN_MS)) monitor.take(packet);
    monitor.send();
    // Signals and typed lines come by the event loop.
    await new Promise((resolve) => setTimeout(resolve, 0));
    interrupts.check();
  }
}

class Monitor {
  readonly #line: SerialHandle;
  readonly #input: NativeBuffer;
  readonly #output: NativeBuffer;
  readonly #options: MonitorOptions;
  readonly #screen: Screen;
  readonly #keyboard: Keyboard;
  readonly #show: Show;
  /** What was typed and not sent yet. */
  #typed: Uint8Array = new Uint8Array(0);
  #isWriting = false;

  constructor(
    line: SerialHandle,
    input: NativeBuffer,
    output: NativeBuffer,
    options: MonitorOptions,
    screen: Screen,
    keyboard: Keyboard,
  ) {
    this.#line = line;
    this.#input = input;
    this.#output = output;
    this.#options = options;
    this.#screen = screen;
    this.#keyboard = keyboard;
    this.#show = new Show(options);
  }

  start(): void {
    this.#line.read(this.#input);
    if (this.#options.events) this.#line.waitEvent(EVENTS);
  }

  /** @throws {Win32Error} if the operation has failed: the line is gone. */
  take(packet: Packet): void {
    if (packet.error) throw packet.error;
    const kind = packet.operation?.kind;
    if (kind === "read") {
      const bytes = this.#input.bytes.subarray(0, packet.bytesTransferred);
      this.#screen.write(this.#show.text(bytes, new Date()));
      this.#line.read(this.#input);
    } else if (kind === "write") this.#isWriting = false;
    else if (kind === "waitEvent") {
      this.#tell(SerialHandle.events(packet));
      this.#line.waitEvent(EVENTS);
    }
  }

  /** Sends the next part of what was typed, unless one is on its way. */
  send(): void {
    if (this.#isWriting) return;
    if (this.#typed.length === 0) {
      const text = this.#keyboard.next();
      if (text === undefined) return;
      this.#typed = new TextEncoder().encode(text + this.#options.ending);
    }
    const part = this.#typed.subarray(0, WRITE_BYTES);
    this.#typed = this.#typed.subarray(part.length);
    this.#output.bytes.set(part);
    this.#line.write(this.#output.subarray(0, part.length));
    this.#isWriting = true;
  }

  #tell(events: number): void {
    if ((events & breakEvent) !== 0) this.#screen.complain("a break has come");
    if ((events & error) !== 0) this.#screen.complain("a byte was lost or came wrong");
    if ((events & (cts | dsr | carrier | ring)) === 0) return;
    const lines = Object.entries(this.#line.modemLines());
    const words = lines.map(([name, isOn]) => `${name} ${isOn ? "on" : "off"}`);
    this.#screen.complain(words.join(", "));
  }
}
