/**
 * What can be read of a port at any time.
 *
 * @module
 */

/** What a port has done and is doing. */
export interface PortCounters {
  /** Packets in the queue. */
  readonly queued: number;
  /** Threads running with a packet. Windows does not tell: `null` there. */
  readonly active: number | null;
  /** Threads waiting on the port. Windows does not tell: `null` there. */
  readonly waiting: number | null;
  /** Operations started whose packet has not been taken. */
  readonly inFlight: number;
  /** Packets posted by `post` since the port was made. */
  readonly posted: number;
  /** Packets taken since the port was made. */
  readonly taken: number;
  /** Operations of closed ports, in the whole process, whose memory the kernel may still use. */
  readonly kept: number;
}
