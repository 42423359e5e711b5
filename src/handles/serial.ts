/**
 * Serial lines.
 *
 * @module
 */

import { wordAt } from "../core/annex.ts";
import type { NativeBuffer } from "../core/buffer.ts";
import { Win32Error } from "../core/errors.ts";
import { Handle, type HandleToken } from "../core/handle.ts";
import { kindOf, readResultsOf } from "../core/kinds.ts";
import { type Operation, resultOf } from "../core/operation.ts";
import type { Packet } from "../core/packet.ts";
import { READ, startOperation, startWith, WRITE } from "../core/start.ts";
import * as codes from "../system/system.ts";
import { type Outcome, system } from "../system/system.ts";
import {
  readSettings,
  type SerialSettings,
  type SerialTimeouts,
  timeoutBytes,
  writeSettings,
} from "./serial-settings.ts";

/** How to open a serial line. */
export interface SerialOptions extends SerialSettings {
  /** When reads and writes end early; a read as soon as there is anything, by default. */
  timeouts?: SerialTimeouts;
}

/** What can happen on a serial line; several are added with `|`. Windows' own numbers. */
export const SERIAL_EVENTS = {
  /** Bytes have come: EV_RXCHAR. */
  received: 0x1,
  /** The last byte has been sent: EV_TXEMPTY. */
  sent: 0x4,
  /** CTS has changed: EV_CTS. */
  cts: 0x8,
  /** DSR has changed: EV_DSR. */
  dsr: 0x10,
  /** The carrier has come or gone: EV_RLSD. */
  carrier: 0x20,
  /** A break has come: EV_BREAK. */
  break: 0x40,
  /** A framing, overrun or parity error: EV_ERR. */
  error: 0x80,
  /** The ring line has changed: EV_RING. */
  ring: 0x100,
} as const;

/** A name of `SERIAL_EVENTS`. */
export type SerialEvent = keyof typeof SERIAL_EVENTS;

const ALL_EVENTS = Object.values(SERIAL_EVENTS).reduce((all: number, event) => all | event, 0);

/** The inputs of a modem. */
export interface ModemLines {
  /** Clear to send. */
  readonly cts: boolean;
  /** Data set ready. */
  readonly dsr: boolean;
  /** The telephone rings. */
  readonly ring: boolean;
  /** There is a carrier (RLSD, DCD). */
  readonly carrier: boolean;
}

/** What `setLines` changes. */
export interface SerialOutputs {
  /** Data terminal ready. */
  dtr?: boolean;
  /** Request to send. Not with hardware flow control. */
  rts?: boolean;
  /** A break, from when it is set until it is taken away. */
  break?: boolean;
}

/** What `purge` drops and ends. */
export interface PurgeOptions {
  /** What has come and was not read. */
  input?: boolean;
  /** What was written and not sent. */
  output?: boolean;
  /** Reads in flight end with ERROR_OPERATION_ABORTED (995). */
  reads?: boolean;
  /** Writes in flight end so. */
  writes?: boolean;
}

const CALL = "WaitCommEvent";
const WAIT_EVENT = kindOf(CALL);

readResultsOf(WAIT_EVENT, (result) => wordAt(result));

/**
 * A serial line, opened for this program alone. Bytes travel as they are.
 *
 * On Linux it is a tty, `/dev/ttyUSB0` for instance; lines with a modem's inputs are
 * looked at every 10 ms while somebody waits for one of them.
 *
 * Source: Microsoft's "Communications Resources"; termios(3), ioctl_tty(2).
 *
 * @example
 * ```ts
 * import { CompletionPort, NativeBuffer, SerialHandle, Win32Error } from "@iocp/iocp";
 *
 * using port = new CompletionPort();
 * using buffer = NativeBuffer.allocate(4096);
 * try {
 *   using line = SerialHandle.open("/dev/ttyUSB0", { speed: 115200 });
 *   port.associate(line, 1);
 *   line.read(buffer);
 *   const packet = port.get(1000);
 *   console.log(packet?.bytesTransferred);
 * } catch (error) {
 *   if (!(error instanceof Win32Error)) throw error;
 *   console.log(error.message); // There is no such line here.
 * }
 * ```
 */
export class SerialHandle extends Handle {
  /**
   * Opens a line by its name, `COM3` or `/dev/ttyUSB0`, and sets it up. Blocks for
   * the system calls. The handle is not inherited by child processes.
   *
   * @throws {TypeError} if the name is empty or has a NUL character, or a word is none of those
   * there are.
   * @throws {RangeError} if a number is not usable.
   * @throws {Win32Error} ERROR_FILE_NOT_FOUND (2), ERROR_ACCESS_DENIED (5; also for a line in
   * use), ERROR_INVALID_FUNCTION (1) for what is no serial line, ERROR_NOT_SUPPORTED (50) for
   * settings that the system cannot make, and others, with the name.
   */
  static open(path: string, options: SerialOptions = {}): SerialHandle {
    if (typeof path !== "string" || path === "" || path.includes("\0")) {
      throw new TypeError(
        "Cannot open a serial line: its name is no text, empty or has a NUL character",
      );
    }
    const { timeouts = {}, ...settings } = options;
    const limits = timeoutBytes(timeouts);
    const all = {
      speed: 9600,
      dataBits: 8,
      parity: "none",
      stopBits: 1,
      flowControl: "none",
      dtr: true,
      rts: true,
      ...settings,
    } as const;
    writeSettings(new Uint8Array(new ArrayBuffer(codes.DCB_BYTES)), all);
    const { code, value, errno } = system.openCommPort(path);
    if (code !== 0) {
      const reason = code === codes.ERROR_INVALID_FUNCTION ? "it is no serial line" : undefined;
      throw new Win32Error(code, "CreateFile", { subject: path, errno, reason });
    }
    const line = new SerialHandle("serial", Handle.register("serial", value, path), true);
    try {
      line.configure(all);
      line.#call("SetCommTimeouts", (serial) => ofCode(system.setCommTimeouts(serial, limits)));
      return line;
    } catch (error) {
      line.close();
      throw error;
    }
  }

  /**
   * The line of `token`, opened by another thread: the same handle.
   *
   * @throws {TypeError} if the token is none, or its line has been closed.
   */
  static attach(token: HandleToken): SerialHandle {
    return new SerialHandle("serial", Handle.attached("serial", token), false);
  }

  /**
   * What a packet of `waitEvent` says has happened: some of `SERIAL_EVENTS`; 0 if the
   * wait was ended by another choice of events (75), or has failed.
   *
   * @throws {TypeError} if the packet is of no `waitEvent`.
   */
  static events(packet: Packet): number {
    if (packet.operation?.kind !== "waitEvent") {
      throw new TypeError("Cannot read the events: the packet is of no waitEvent");
    }
    return packet.error === null ? resultOf(packet.operation) as number : 0;
  }

  /** How the line works now. Blocks for the system call. Source: GetCommState. */
  settings(): Required<SerialSettings> {
    return readSettings(this.#state());
  }

  /**
   * Changes some of how the line works; what is not said stays. Blocks for the
   * system calls. Source: SetCommState; TCSETS2 of ioctl_tty(2).
   *
   * @throws {TypeError} if a word is none of those there are.
   * @throws {RangeError} if a number is not usable.
   * @throws {Win32Error} if the system cannot make the settings.
   */
  configure(settings: SerialSettings): void {
    const dcb = this.#state();
    writeSettings(dcb, settings);
    this.#call("SetCommState", (serial) => ofCode(system.setCommState(serial, dcb)));
  }

  /**
   * Says when reads and writes to come end early, all five limits anew. Blocks for the
   * system call. Source: SetCommTimeouts.
   *
   * @throws {RangeError} if a number is not usable.
   */
  setTimeouts(timeouts: SerialTimeouts): void {
    const bytes = timeoutBytes(timeouts);
    this.#call("SetCommTimeouts", (serial) => ofCode(system.setCommTimeouts(serial, bytes)));
  }

  /**
   * Starts a read of up to `into.byteLength` bytes. When it ends with fewer, the time
   * limits say. Source: ReadFile.
   *
   * @throws {RangeError} if a number is not usable, or a limit is reached.
   * @throws {TypeError} if the line is not associated or the buffer freed.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the line is closed.
   */
  read(into: NativeBuffer, tag: number = 0): Operation {
    return startOperation(READ, this, into, 0, tag);
  }

  /**
   * Starts a write. On Linux it completes when the driver has taken the bytes; wait for
   * `SERIAL_EVENTS.sent` to know that they are out. Source: WriteFile.
   *
   * @throws {RangeError} if a number is not usable, or a limit is reached.
   * @throws {TypeError} if the line is not associated or the buffer freed.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the line is closed.
   */
  write(from: NativeBuffer, tag: number = 0): Operation {
    return startOperation(WRITE, this, from, 0, tag);
  }

  /**
   * Starts waiting until one of `events` happens, some of `SERIAL_EVENTS`; `events` of
   * its packet says which have. What happens between two waits for the same is not
   * lost; choosing others begins anew, and ends a wait that is pending. There is one wait at
   * a time: another one for the same has a packet with ERROR_INVALID_PARAMETER (87).
   *
   * Source: SetCommMask, WaitCommEvent.
   *
   * @throws {RangeError} if `events` are none, or a limit is reached.
   * @throws {TypeError} if the line is not associated.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the line is closed.
   */
  waitEvent(events: number, tag: number = 0): Operation {
    if (!Number.isInteger(events) || events <= 0 || (events & ALL_EVENTS) !== events) {
      throw new RangeError(`Cannot wait for ${String(events)}: it is not some of SERIAL_EVENTS`);
    }
    const chosen = this.#call("GetCommMask", (serial) => system.getCommMask(serial));
    if (chosen !== events) {
      this.#call("SetCommMask", (serial) => ofCode(system.setCommMask(serial, events)));
    }
    return startWith(
      WAIT_EVENT,
      this,
      {},
      tag,
      (serial, overlapped, _annex, result) => system.waitCommEvent(serial, result, overlapped),
    );
  }

  /**
   * Which of a modem's inputs are on. Blocks for the system call. A pseudo-terminal has
   * none: ERROR_NOT_SUPPORTED (50). Source: GetCommModemStatus.
   */
  modemLines(): ModemLines {
    const status = this.#call("GetCommModemStatus", (serial) => system.getCommModemStatus(serial));
    return {
      cts: (status & codes.MS_CTS_ON) !== 0,
      dsr: (status & codes.MS_DSR_ON) !== 0,
      ring: (status & codes.MS_RING_ON) !== 0,
      carrier: (status & codes.MS_RLSD_ON) !== 0,
    };
  }

  /**
   * Turns outputs on and off. Blocks for the system calls. Source: EscapeCommFunction;
   * ioctl_tty(2).
   */
  setLines({ dtr, rts, break: isBreak }: SerialOutputs): void {
    const escape = (action: number) =>
      this.#call("EscapeCommFunction", (s) => ofCode(system.escapeCommFunction(s, action)));
    if (dtr !== undefined) escape(dtr ? codes.SETDTR : codes.CLRDTR);
    if (rts !== undefined) escape(rts ? codes.SETRTS : codes.CLRRTS);
    if (isBreak !== undefined) escape(isBreak ? codes.SETBREAK : codes.CLRBREAK);
  }

  /**
   * Drops bytes and ends operations; without options all of them. Each operation's
   * packet still comes. Source: PurgeComm; tcflush(3).
   */
  purge(
    options: PurgeOptions = { input: true, output: true, reads: true, writes: true },
  ): void {
    const flags = (options.input ? codes.PURGE_RXCLEAR : 0) |
      (options.output ? codes.PURGE_TXCLEAR : 0) |
      (options.reads ? codes.PURGE_RXABORT : 0) | (options.writes ? codes.PURGE_TXABORT : 0);
    if (flags === 0) return;
    this.#call("PurgeComm", (serial) => ofCode(system.purgeComm(serial, flags)));
  }

  #state(): Uint8Array<ArrayBuffer> {
    const dcb = new Uint8Array(new ArrayBuffer(codes.DCB_BYTES));
    this.#call("GetCommState", (serial) => ofCode(system.getCommState(serial, dcb)));
    return dcb;
  }

  #call(name: string, work: (serial: number) => Outcome): number {
    const serial = this.enter(name);
    try {
      const { code, value, errno } = work(serial);
      if (code !== 0) throw this.failure(code, name, errno);
      return value;
    } finally {
      this.leave();
    }
  }
}

function ofCode(code: number): Outcome {
  return { code, value: 0, errno: 0 };
}
