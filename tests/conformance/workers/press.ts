/** Posts packets with keys of its own to a port; what is refused it posts again. */

import { CompletionPort, type PortToken, Win32Error } from "../../../src/pool/thread.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Press {
  port: PortToken;
  first: number;
  count: number;
}

/** How often it was refused. */
job(({ port, first, count }: Press): number => {
  const attached = CompletionPort.attach(port);
  let refused = 0;
  for (let posted = 0; posted < count;) {
    try {
      attached.post({ key: first + posted });
      posted++;
    } catch (error) {
      if (!(error instanceof Win32Error && error.code === 1450)) throw error;
      refused++;
    }
  }
  return refused;
});
