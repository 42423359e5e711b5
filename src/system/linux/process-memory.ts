/**
 * Memory that every thread of the process finds by a name, also a Worker that
 * was handed nothing: a memfd mapped once, found again in `/proc/self/maps`.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import type { Outcome } from "../contract.ts";
import { cString, failure, success } from "./errno.ts";

const O_RDONLY = 0;
const O_CLOEXEC = 0x80000;
const MFD_CLOEXEC = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_FIXED_NOREPLACE = 0x100000;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MADV_DONTFORK = 10;
const MADV_DONTDUMP = 16;
const MAP_FAILED = 2 ** 63;

/**
 * Addresses that are asked for, one after the other where somebody else's memory
 * lies: high up for most kernels, then low for those with 39 bits of address space.
 */
const BASES = [0x680_0000_0000, 0x30_0000_0000];
const PLACES = 8;
const STEP = 0x8_0000_0000;

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

/**
 * The memory called `name`, made if this process has none of that name yet. No
 * lock is taken, because one would stay behind with a thread that is terminated
 * here: all threads ask the kernel for the same address, and it gives that to one.
 */
export function mapProcessMemory(name: string, byteLength: number): Outcome {
  const known = find(name);
  if (known < 0) return failure();
  if (known > 0) return success(known);
  const { memfd_create, ftruncate, close } = libc();
  const fd = memfd_create(cString(name), MFD_CLOEXEC);
  if (fd < 0) return failure();
  try {
    if (ftruncate(fd, word(byteLength)) !== 0) return failure();
    return place(name, fd, byteLength);
  } finally {
    // The mapping keeps the memory; the descriptor is not needed again.
    close(fd);
  }
}

/** Maps the file where no thread has mapped one of that name; else finds that one. */
function place(name: string, fd: number, byteLength: number): Outcome {
  const { mmap, munmap, madvise } = libc();
  const length = word(byteLength);
  let reason = failure();
  for (const base of BASES) {
    for (let i = 0; i < PLACES; i++) {
      const wanted = base + i * STEP;
      const flags = MAP_SHARED | MAP_FIXED_NOREPLACE;
      const address = Number(mmap(word(wanted), length, PROT_READ_WRITE, flags, fd, word(0)));
      if (address === wanted) {
        // A forked child must not share our queues, nor a core dump hold the reservation.
        madvise(word(address), length, MADV_DONTFORK);
        madvise(word(address), length, MADV_DONTDUMP);
        return success(address);
      }
      if (address >= MAP_FAILED) reason = failure();
      // A kernel before 4.17 takes the address for a hint.
      else munmap(word(address), length);
      const known = find(name);
      if (known > 0) return success(known);
    }
  }
  return reason;
}

/** The lowest address of the mapping called `name`; 0 if there is none, -1 if nobody can tell. */
function find(name: string): number {
  const { open, close } = libc();
  const maps = open(cString("/proc/self/maps"), O_RDONLY | O_CLOEXEC, 0);
  if (maps < 0) return -1;
  try {
    return findIn(maps, name);
  } finally {
    close(maps);
  }
}

function findIn(maps: number, name: string): number {
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
