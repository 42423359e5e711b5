/**
 * The contract's part about serial lines; see `contract.ts`.
 *
 * @module
 */

import type { Outcome } from "./contract.ts";

/** Serial lines. */
export interface SerialSystem {
  /**
   * Opens a serial line for overlapped I/O, for reading and writing, and for nobody
   * else meanwhile. Its bytes are neither changed nor answered. What is no serial
   * line: ERROR_INVALID_FUNCTION (1); one that is in use: ERROR_ACCESS_DENIED (5).
   * Source: CreateFileW, OpenCommPort; open(2).
   */
  openCommPort(path: string): Outcome;
  /** Fills `dcb`, DCB_BYTES long. Source: GetCommState; termios(3). */
  getCommState(serial: number, dcb: Uint8Array<ArrayBuffer>): number;
  /**
   * Sets what `dcb` says, DCB_BYTES long. ERROR_INVALID_PARAMETER (87) for what means
   * nothing, ERROR_NOT_SUPPORTED (50) for what the system cannot do. Source: SetCommState.
   */
  setCommState(serial: number, dcb: Uint8Array<ArrayBuffer>): number;
  /** Sets the time limits, COMMTIMEOUTS_BYTES long, of operations to come. Source: SetCommTimeouts. */
  setCommTimeouts(serial: number, timeouts: Uint8Array<ArrayBuffer>): number;
  /** The events that are waited for. Source: GetCommMask. */
  getCommMask(serial: number): Outcome;
  /**
   * Chooses the events that are waited for, from now on. A wait that is pending ends
   * with none (75). Source: SetCommMask.
   */
  setCommMask(serial: number, mask: number): number;
  /**
   * Starts waiting for one of the chosen events; which ones have come is written to
   * the 32 bits at `mask`. ERROR_INVALID_PARAMETER (87) if another wait is pending
   * or none was chosen. Source: WaitCommEvent.
   */
  waitCommEvent(serial: number, mask: number, overlapped: number): number;
  /** Changes a line: one of SETRTS, CLRRTS … Source: EscapeCommFunction; ioctl_tty(2). */
  escapeCommFunction(serial: number, action: number): number;
  /** Ends operations or drops bytes: some of PURGE_RXABORT … Source: PurgeComm; tcflush(3). */
  purgeComm(serial: number, flags: number): number;
  /** Which lines are on: some of MS_CTS_ON … Source: GetCommModemStatus; ioctl_tty(2). */
  getCommModemStatus(serial: number): Outcome;
}
