/** Waits on a port once and says what came: a packet's numbers, the code of an error, or null. */

import { CompletionPort, type PortToken, Win32Error } from "../../../src/pool/thread.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Wait {
  port: PortToken;
  /** Absent: `get`; else `getMany` of this many. */
  max?: number;
  timeoutMs?: number;
}

/** What came of it. */
export interface Waited {
  keys: number[];
  code: number;
  call: string;
}

job(({ port, max, timeoutMs = Infinity }: Wait): Waited => {
  const attached = CompletionPort.attach(port);
  try {
    const packets = max === undefined
      ? [attached.get(timeoutMs)].filter((packet) => packet !== null)
      : attached.getMany(max, timeoutMs);
    return { keys: packets.map(({ key }) => key), code: 0, call: "" };
  } catch (error) {
    if (error instanceof Win32Error) return { keys: [], code: error.code, call: error.call };
    throw error;
  }
});
