/** As `wait`, and says on shared memory when it is about to. */

import { CompletionPort, Win32Error } from "../../../src/pool/thread.ts";
import { job } from "./job.ts";
import type { Wait, Waited } from "./wait.ts";

job(({ port, max, timeoutMs = Infinity, arrived }: Wait & { arrived: Int32Array }): Waited => {
  const attached = CompletionPort.attach(port);
  Atomics.add(arrived, 0, 1);
  try {
    const packets = attached.getMany(max ?? 1, timeoutMs);
    return { keys: packets.map(({ key }) => key), code: 0, call: "" };
  } catch (error) {
    if (error instanceof Win32Error) return { keys: [], code: error.code, call: error.call };
    throw error;
  }
});
