/**
 * The status that an operation leaves in its OVERLAPPED.
 *
 * @module
 */

import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import type { Words } from "./fifo.ts";
import * as layout from "./layout.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const { PACKET_OF_OPERATION, PACKET_WORDS } = layout;

/**
 * The last packets' status, written where their OVERLAPPEDs wait for it: not
 * before they are taken (promise 6). `words` holds `count` packets.
 */
export function settleStatuses(words: Words, count: number): void {
  for (let at = 0; at < count * PACKET_WORDS; at += PACKET_WORDS) {
    const extra = words[at + 7];
    if ((extra & PACKET_OF_OPERATION) === 0) continue;
    words[at + 7] = extra & ~PACKET_OF_OPERATION;
    const overlapped = (words[at + 2] >>> 0) + (words[at + 3] >>> 0) * 0x100000000;
    storeStatus(overlapped, words[at + 4], words[at + 6]);
  }
}

/** Writes the status of one. The OVERLAPPED is mapped: its operation's packet has not been taken until now. */
export function storeStatus(overlapped: number, status: number, bytes: number): void {
  const words = wordsAround(overlapped);
  const at = wordIndex(overlapped);
  words[at + 1] = 0;
  words[at + 2] = bytes;
  words[at + 3] = 0;
  words[at] = status;
}
