/**
 * What of a file is in memory, so that reading it does not wait for a disk.
 *
 * Source: cachestat(2), which Linux has since 6.5, and answers to who owns the file or may write
 * it; RWF_NOWAIT in preadv2(2), which not all file systems have.
 *
 * @module
 */

import { cachestat, pwritev2At } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import { region } from "./region.ts";
import { writeAddress } from "./requests.ts";

/** Bytes of a page. Where they are larger, too little seems to be in memory. */
const PAGE = 4096;
const RWF_NOWAIT = 0x8;

/** struct cachestat_range and struct cachestat; in the first words of each are the numbers used here. */
const range: Float64Array<ArrayBuffer> = new Float64Array(new ArrayBuffer(16));
const rangeWords: Int32Array<ArrayBuffer> = new Int32Array(range.buffer);
const rangeBytes: Uint8Array<ArrayBuffer> = new Uint8Array(range.buffer);
const counts: Uint32Array<ArrayBuffer> = new Uint32Array(new ArrayBuffer(40));
const countBytes: Uint8Array<ArrayBuffer> = new Uint8Array(counts.buffer);

let hasCachestat = true;

/**
 * How many bytes of the file from `position` on, at most `length`, are in memory; 0 also if that
 * cannot be told. A page that another program is having read just now may count as one. `vector`: the word of
 * the region that room for a struct iovec begins at.
 */
export function cachedBytes(fd: number, position: number, length: number, vector: number): number {
  if (hasCachestat) {
    writeAddress(rangeWords, 0, position);
    writeAddress(rangeWords, 2, length);
    if (cachestat().syscall(errno.SYS_cachestat, fd, rangeBytes, countBytes, 0) === 0) {
      const pages = Math.floor((position + length - 1) / PAGE) - Math.floor(position / PAGE) + 1;
      return counts[0] >= pages ? length : 0;
    }
    if (errno.errno() === errno.ENOSYS) hasCachestat = false;
  }
  return readCached(fd, position, length, vector);
}

/** Reads it, if that need not wait: takes a hundred times as long, and knows exactly. */
function readCached(fd: number, position: number, length: number, vector: number): number {
  const { words, address } = region();
  writeAddress(words, vector, address + layout.WASTE * 4);
  writeAddress(words, vector + 2, Math.min(length, layout.WASTE_BYTES));
  const at = word(address + vector * 4);
  const { syscall } = pwritev2At();
  const count = Number(
    syscall(errno.SYS_preadv2, fd, at, 1, word(position), word(0), RWF_NOWAIT),
  );
  return Math.max(count, 0);
}
