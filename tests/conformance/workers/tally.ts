/** Takes packets and notes what each came to by its tag, until one with key 0 comes. */

import { CompletionPort, type PortToken } from "../../../mod.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Tally {
  port: PortToken;
  /** By the operation's tag: the bytes, or the code of its error made negative. */
  outcomes: Int32Array;
}

job(({ port, outcomes }: Tally): number => {
  const attached = CompletionPort.attach(port);
  for (let taken = 0;; taken++) {
    const { key, operation, error, bytesTransferred } = attached.get()!;
    if (key === 0) return taken;
    outcomes[operation!.tag] = error === null ? bytesTransferred : -error.code;
  }
});
