/**
 * The engine's shared memory, as this thread sees it.
 *
 * @module
 */

import { view } from "../../ffi/memory.ts";
import { Bitmap } from "../bitmap.ts";
import * as layout from "./layout.ts";
import { mapProcessMemory } from "./process-memory.ts";
import { nameOfError } from "../status.ts";

/** The tables and who has which place in them. */
export interface Region {
  /** Where the memory begins; mapped until the process ends. */
  readonly address: number;
  /** All tables; see `layout.ts`. */
  readonly words: Int32Array<ArrayBuffer>;
  readonly threads: Bitmap;
  readonly ports: Bitmap;
  readonly handles: Bitmap;
  readonly requests: Bitmap;
  readonly vectors: Bitmap;
  readonly locks: Bitmap;
  readonly lockedFiles: Bitmap;
}

// A property of a constant: once it is there, compiled code has it and the arrays in it as constants. A variable
// of the module it reads anew in every function, with checks: 30 to 40 ns of a read of 4 KiB.
const opened: { region?: Region } = {};

/** The region, mapped when this thread first asks. Throws if memory cannot be had at all. */
export function region(): Region {
  return opened.region ??= open();
}

/** The packets of port `place` as far as a queue of `capacity` packets reaches. */
export function queueWords(place: number, capacity: number): Int32Array<ArrayBuffer> {
  const address = region().address + layout.TABLE_BYTES + place * layout.QUEUE_BYTES;
  return new Int32Array(view(address, capacity * layout.PACKET_WORDS * 4));
}

function open(): Region {
  const name = `iocp-engine-${layout.LAYOUT_VERSION}`;
  const { code, value, errno } = mapProcessMemory(name, layout.REGION_BYTES);
  if (code !== 0) {
    throw new Error(
      `Reserving the engine's shared memory failed: ${nameOfError(code)?.name} (errno ${errno}); ` +
        `is /proc mounted and the address space limited (ulimit -v)?`,
    );
  }
  const words = new Int32Array(view(value, layout.TABLE_BYTES));
  words[layout.LOCK_TIMEOUT + 2] = layout.LOCK_TIMEOUT_NS;
  return {
    address: value,
    words,
    threads: new Bitmap(words, layout.THREAD_BITMAP, layout.MAX_THREADS),
    ports: new Bitmap(words, layout.PORT_BITMAP, layout.MAX_PORTS),
    handles: new Bitmap(words, layout.HANDLE_BITMAP, layout.MAX_HANDLES),
    requests: new Bitmap(words, layout.REQUEST_BITMAP, layout.MAX_REQUESTS),
    vectors: new Bitmap(words, layout.VECTOR_BITMAP, layout.MAX_VECTORS),
    locks: new Bitmap(words, layout.LOCK_BITMAP, layout.MAX_LOCKS),
    lockedFiles: new Bitmap(words, layout.LOCKED_FILE_BITMAP, layout.MAX_LOCKED_FILES),
  };
}
