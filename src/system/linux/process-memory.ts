/**
 * Memory that every thread of the process finds by a name, also a Worker that
 * was handed nothing: a memfd mapped once, found again in `/proc/self/maps`.
 *
 * The lock around "look, else create" is `flock` on that very file: each open of
 * it is a lock owner of its own, so threads exclude each other, and nobody but
 * this process's own user can open it.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import type { Outcome } from "../contract.ts";
import { cString, EINTR, errno, failure, success } from "./errno.ts";

const O_RDONLY = 0;
const O_CLOEXEC = 0x80000;
const LOCK_EX = 2;
const MFD_CLOEXEC = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MADV_DONTFORK = 10;
const MADV_DONTDUMP = 16;
const MAP_FAILED = 2 ** 63;

/** Reserves private, zeroed, page-aligned memory. */
export function virtualAlloc(byteLength: number): Outcome {
  const { mmap } = libc();
  const length = word(byteLength);
  const address = Number(
    mmap(word(0), length, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, word(0)),
  );
  return address >= MAP_FAILED ? failure() : success(address);
}

/** Gives memory of {@linkcode virtualAlloc} back. */
export function virtualFree(address: number, byteLength: number): number {
  return libc().munmap(word(address), word(byteLength)) === 0 ? 0 : failure().code;
}

/** The memory called `name`, made if this process has none of that name yet. */
export function mapProcessMemory(name: string, byteLength: number): Outcome {
  const { open, close, flock } = libc();
  const maps = open(cString("/proc/self/maps"), O_RDONLY | O_CLOEXEC, 0);
  if (maps < 0) return failure();
  try {
    while (flock(maps, LOCK_EX) !== 0) {
      if (errno() !== EINTR) return failure();
    }
    const address = find(maps, name);
    return address === 0 ? create(name, byteLength) : success(address);
  } finally {
    close(maps);
  }
}

/** The lowest address of the mapping called `name`; 0 if there is none. */
function find(maps: number, name: string): number {
  const bytes = new Uint8Array(new ArrayBuffer(65536));
  const decoder = new TextDecoder();
  const mark = `/memfd:${name} (deleted)`;
  let rest = "";
  for (;;) {
    const count = Number(libc().read(maps, bytes, word(bytes.length)));
    if (count <= 0) return 0;
    const lines = (rest + decoder.decode(bytes.subarray(0, count))).split("\n");
    rest = lines.pop() ?? "";
    const line = lines.find((line) => line.endsWith(mark));
    if (line !== undefined) return parseInt(line.slice(0, line.indexOf("-")), 16);
  }
}

function create(name: string, byteLength: number): Outcome {
  const { memfd_create, ftruncate, mmap, madvise, close } = libc();
  const fd = memfd_create(cString(name), MFD_CLOEXEC);
  if (fd < 0) return failure();
  try {
    const length = word(byteLength);
    if (ftruncate(fd, length) !== 0) return failure();
    const mapped = mmap(word(0), length, PROT_READ_WRITE, MAP_SHARED, fd, word(0));
    if (Number(mapped) >= MAP_FAILED) return failure();
    // A forked child must not share our queues, nor a core dump hold the reservation.
    madvise(mapped, length, MADV_DONTFORK);
    madvise(mapped, length, MADV_DONTDUMP);
    return success(Number(mapped));
  } finally {
    // The mapping keeps the memory; the descriptor is not needed again.
    close(fd);
  }
}
