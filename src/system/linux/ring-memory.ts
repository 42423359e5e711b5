/**
 * Making a port's io_uring and its mapping, and giving both back: io_uring_setup(2).
 *
 * @module
 */

import { ioUringSetup, libc } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { view } from "../../ffi/memory.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import { region } from "./region.ts";

/**
 * Entries of the submission ring: what one batch may hold back. A power of two. With more of them the
 * slowest of an echo server's 1,000 clients waited a seventh longer, and none got more.
 */
const SUBMISSION_ENTRIES = 64;
/** Entries of the completion ring; the kernel keeps what does not fit and tells us. */
const COMPLETION_ENTRIES = 4096;

// struct io_uring_params, in words
export const PARAMS_SQ_ENTRIES: number = 0;
export const PARAMS_CQ_ENTRIES: number = 1;
export const PARAMS_SQ_OFF: number = 10;
export const PARAMS_CQ_OFF: number = 20;
const PARAMS_WORDS = 30;
const PARAMS_FLAGS = 2;
const PARAMS_FEATURES = 5;

/** A submission entry, in words. */
export const SQE_WORDS: number = 16;

const IORING_SETUP_CQSIZE = 1 << 3;
const IORING_SETUP_COOP_TASKRUN = 1 << 8;
const IORING_SETUP_TASKRUN_FLAG = 1 << 9;
const IORING_FEAT_SINGLE_MMAP = 1 << 0;
const IORING_FEAT_NODROP = 1 << 1;
const IORING_FEAT_EXT_ARG = 1 << 8;
const IORING_OFF_SQ_RING = 0;
const IORING_OFF_SQES = 0x10000000;
const PROT_READ_WRITE = 3;
const MAP_SHARED_POPULATE = 0x8001;

const NOTHING = word(0);

/** Notes how many entries the ring of the port at `port` is to have; 0: as many as usual. */
export function askForEntries(port: number, submissions: number, completions: number): void {
  const { words } = region();
  words[port + layout.P_RING_PARAMS + PARAMS_SQ_ENTRIES] = submissions;
  words[port + layout.P_RING_PARAMS + PARAMS_CQ_ENTRIES] = completions;
}

/**
 * io_uring_setup(2), which fills `params`. A thread is not interrupted where it computes to
 * complete what it has started: an interrupt for each message of an echo server, one of C, cost it a
 * quarter of its messages on a virtual machine. It completes them when it is in the kernel next, in a
 * call, or for the timer's tick, a few milliseconds later; what waits there is woken. Kernels before
 * 5.19 interrupt it. Returns the descriptor, or -1.
 */
function setUp(params: Int32Array<ArrayBuffer>, submissions: number, completions: number): number {
  const calm = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  for (const flags of [IORING_SETUP_CQSIZE | calm, IORING_SETUP_CQSIZE]) {
    params.fill(0);
    params[PARAMS_FLAGS] = flags;
    params[PARAMS_CQ_ENTRIES] = completions;
    const bytes = new Uint8Array(params.buffer);
    const fd = ioUringSetup().syscall(errno.SYS_io_uring_setup, submissions, bytes);
    if (fd >= 0 || errno.errno() !== errno.EINVAL) return Number(fd);
  }
  return -1;
}

/** Makes a ring for the port whose first word is `port`. Returns 0 or an errno. */
export function createRing(port: number): number {
  const { words } = region();
  const params = new Int32Array(new ArrayBuffer(PARAMS_WORDS * 4));
  const asked = port + layout.P_RING_PARAMS;
  const most = words[asked + PARAMS_CQ_ENTRIES];
  const submissions = words[asked + PARAMS_SQ_ENTRIES] ||
    Math.min(SUBMISSION_ENTRIES, most || SUBMISSION_ENTRIES);
  const fd = setUp(params, submissions, most || Math.max(COMPLETION_ENTRIES, submissions));
  if (fd < 0) return errno.errno();
  const needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG;
  if ((params[PARAMS_FEATURES] & needed) !== needed) {
    libc().close(fd);
    return errno.ENOSYS; // a kernel before 5.11
  }
  const sqBytes = params[PARAMS_SQ_OFF + 6] + params[PARAMS_SQ_ENTRIES] * 4;
  const cqBytes = params[PARAMS_CQ_OFF + 5] + params[PARAMS_CQ_ENTRIES] * 16;
  const ringBytes = Math.max(sqBytes, cqBytes);
  const sqesBytes = params[PARAMS_SQ_ENTRIES] * SQE_WORDS * 4;
  const ring = mapRing(fd, ringBytes, IORING_OFF_SQ_RING);
  const sqes = mapRing(fd, sqesBytes, IORING_OFF_SQES);
  if (ring === 0 || sqes === 0) {
    const reason = errno.errno();
    if (ring !== 0) libc().munmap(word(ring), word(ringBytes));
    libc().close(fd);
    return reason;
  }
  // Entry i of the index array always names submission entry i.
  const array = new Int32Array(view(ring + params[PARAMS_SQ_OFF + 6], sqesBytes / 16));
  for (let i = 0; i < params[PARAMS_SQ_ENTRIES]; i++) array[i] = i;
  words.set(params, port + layout.P_RING_PARAMS);
  writeAddress(port + layout.P_RING_ADDRESS, ring);
  words[port + layout.P_RING_BYTES] = ringBytes;
  writeAddress(port + layout.P_SQES_ADDRESS, sqes);
  words[port + layout.P_RING] = fd + 1;
  return 0;
}

/** Unmaps and closes the port's ring. Nothing may be in flight on it. */
export function destroyRing(port: number): void {
  const { words } = region();
  const entries = words[port + layout.P_RING_PARAMS + PARAMS_SQ_ENTRIES];
  libc().munmap(
    word(readAddress(port + layout.P_RING_ADDRESS)),
    word(words[port + layout.P_RING_BYTES]),
  );
  libc().munmap(word(readAddress(port + layout.P_SQES_ADDRESS)), word(entries * SQE_WORDS * 4));
  libc().close(words[port + layout.P_RING] - 1);
  words[port + layout.P_RING] = 0;
}

function mapRing(fd: number, byteLength: number, offset: number): number {
  const { mmap } = libc();
  const flags = MAP_SHARED_POPULATE;
  const mapped = mmap(NOTHING, word(byteLength), PROT_READ_WRITE, flags, fd, word(offset));
  return Number(mapped) >= 2 ** 63 ? 0 : Number(mapped);
}

/** An address in two words of the tables. */
export function readAddress(at: number): number {
  const { words } = region();
  return (words[at] >>> 0) + (words[at + 1] >>> 0) * 0x100000000;
}

/** Puts an address into two words of the tables. */
export function writeAddress(at: number, address: number): void {
  const { words } = region();
  words[at] = address | 0;
  words[at + 1] = address / 0x100000000 | 0;
}
