/** Takes from whichever port is shown, until it is closed, then from the next one. */

import { CompletionPort, Win32Error } from "../../../src/pool/thread.ts";
import { job } from "./job.ts";

/** Where it is shown: the round, which is every packet's key, and the port's place and generation. */
interface Show {
  readonly shown: Int32Array<SharedArrayBuffer>;
}

/** What came of it. */
export interface Visited {
  /** Keys of packets that were posted to another port than was taken from. */
  readonly foreign: number[];
  /** With which codes takes have failed. */
  readonly codes: number[];
}

job(({ shown }: Show): Visited => {
  const foreign: number[] = [];
  const codes = new Set<number>();
  for (let seen = 0;;) {
    Atomics.wait(shown, 0, seen);
    const round = Atomics.load(shown, 0);
    if (round < 0) return { foreign, codes: [...codes] };
    const port = attached(shown);
    if (round > 0 && round === Atomics.load(shown, 0) && port !== null) {
      codes.add(takeAll(port, (key) => void (key === round || foreign.push(key))));
    }
    seen = round;
  }
});

function attached(shown: Int32Array<SharedArrayBuffer>): CompletionPort | null {
  const [place, generation] = [Atomics.load(shown, 1), Atomics.load(shown, 2)];
  try {
    return CompletionPort.attach({ kind: "iocp.port", place, generation });
  } catch (error) {
    if (error instanceof TypeError) return null; // Closed by now.
    throw error;
  }
}

/** Takes until the port is closed; returns the code that said so. */
function takeAll(port: CompletionPort, look: (key: number) => void): number {
  try {
    for (;;) look(port.get()!.key);
  } catch (error) {
    if (error instanceof Win32Error) return error.code;
    throw error;
  }
}
