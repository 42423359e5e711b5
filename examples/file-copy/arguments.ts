/**
 * The command line.
 *
 * @module
 */

import { type Help, type Mistake, mistake, readOptions } from "../program/command-line.ts";

/** How to copy. */
export interface CopyOptions {
  /** How many operations are in flight at most, over all files. */
  readonly depth: number;
  /** Another one is started only while they move fewer bytes than that; without, always. */
  readonly maxBytes?: number;
  /** Bytes of one operation, a multiple of {@linkcode SECTOR_BYTES}. */
  readonly block: number;
  /** How many threads of a pool do the work; without, this thread does. */
  readonly threads?: number;
  /** Whether transfers go past the page cache. */
  readonly unbuffered: boolean;
  /** Whether both files are read back and compared before the copy gets its name. */
  readonly verify: boolean;
  /** Whether nothing but errors is printed. */
  readonly quiet: boolean;
}

/** What the command line asks for. */
export type Command =
  | { readonly kind: "sample"; readonly options: CopyOptions }
  | {
    readonly kind: "copy";
    readonly source: string;
    readonly target: string;
    readonly options: CopyOptions;
  };

/** What offsets, lengths and addresses are multiples of when the page cache is left out. */
export const SECTOR_BYTES = 4096;

/**
 * Measured on the page cache of Linux, where a copy is as fast as the writes to one file, which the
 * kernel takes one at a time: from four blocks on nothing is gained for a large file, and with many the
 * processor's caches do not hold them. Of small files there must be more, for which a thread of the
 * kernel's does the writes: a tool that waits for one of a few waits longer than that takes. Of
 * smaller blocks there are more to start; larger ones make the page cache ask for memory in pieces
 * that are often not to be had at once.
 */
const DEFAULT_DEPTH = 32;
const DEFAULT_BLOCKS = 8;
const DEFAULT_BLOCK = "768K";
/** The buffer that the default depth may take, where blocks are large. */
const DEFAULT_BUFFER_BYTES = 64 * 1024 * 1024;
const MAX_DEPTH = 1024;
const MAX_BLOCK = 1 << 30;
const MAX_THREADS = 128;
/** Depth times block at most: the size of the one buffer. */
const MAX_BUFFER_BYTES = 2 ** 31;

/** What `--help` prints. */
export const HELP = `Usage: file-copy [options] SRC DST
       file-copy [options]

Copies a file or a folder through a completion port. Without SRC and DST it makes a
sample of 256 MiB in the temporary folder, copies and verifies it, and removes both.

  SRC is a file: DST is the copy's name, or a folder that the copy lands in.
  SRC is a folder: DST becomes its copy, with everything in it. Only the last folder of
  DST's path is made; if DST exists, its files are kept unless SRC has others of the
  same name.

Options:
  --depth N       operations in flight, over all files (${DEFAULT_DEPTH}, of ${DEFAULT_BLOCKS} blocks in all)
  --block SIZE    bytes of one operation: 4096, 64K, 1M, 1MiB ... (${DEFAULT_BLOCK})
  --threads N     let N threads of a pool take the packets: whichever takes that of a read
                  starts the write, or compares
  --unbuffered    go past the page cache
  --verify        read both files back and compare them byte by byte, before the copy
                  gets its name; with --unbuffered from the disk, not from memory
  -q, --quiet     print nothing but errors
  -h, --help      print this

Times are kept, and the mode, but for set-user-ID and set-group-ID, since the owner is not.
Links inside a folder stay links. Pipes, devices and sockets in a folder are not copied:
each gets a line, and the exit status is 1.

Each file is written as .NAME.*.iocp-part beside its target and renamed when it is whole.
A copy that fails or is interrupted removes it and leaves the target as it was; what a
killed one has left, the next copy to the same folder removes.

Exit status: 0 all was copied, 1 not all, 2 the command line is wrong, 128 + N on signal N.
`;

/** Reads the command line, without the program's name. */
export function readArguments(args: readonly string[]): Command | Help | Mistake {
  const parsed = readOptions(args, {
    depth: { type: "string" },
    block: { type: "string", default: DEFAULT_BLOCK },
    threads: { type: "string" },
    unbuffered: { type: "boolean", default: false },
    verify: { type: "boolean", default: false },
    quiet: { type: "boolean", short: "q", default: false },
  });
  if ("kind" in parsed) return parsed;
  const { values, positionals } = parsed;
  const block = readSize(values.block);
  const depth = Number(values.depth ?? depthFor(block ?? 0));
  if (!Number.isInteger(depth) || depth < 1 || depth > MAX_DEPTH) {
    return mistake(`--depth takes a whole number from 1 to ${MAX_DEPTH}, not '${values.depth}'`);
  }
  if (block === null || block % SECTOR_BYTES !== 0 || block === 0 || block > MAX_BLOCK) {
    return mistake(
      `--block takes a multiple of ${SECTOR_BYTES} up to 1G, as 64K or 1M, not '${values.block}'`,
    );
  }
  if (depth * block > MAX_BUFFER_BYTES) return mistake("--depth times --block is more than 2G");
  const threads = values.threads === undefined ? undefined : Number(values.threads);
  if (
    threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS)
  ) {
    return mistake(
      `--threads takes a whole number from 1 to ${MAX_THREADS}, not '${values.threads}'`,
    );
  }
  const { unbuffered, verify, quiet } = values;
  const pooled = threads === undefined ? {} : { threads };
  const bounded = values.depth === undefined ? { maxBytes: DEFAULT_BLOCKS * block } : {};
  const options = { depth, block, unbuffered, verify, quiet, ...bounded, ...pooled };
  if (positionals.length === 0) return { kind: "sample", options };
  if (positionals.length !== 2) {
    return mistake(`SRC and DST are needed, and ${positionals.length} given`);
  }
  const [source, target] = positionals;
  if (source === "" || target === "") return mistake("SRC and DST cannot be empty");
  return { kind: "copy", source, target, options };
}

/** As many operations as their buffer may be large, but not fewer than are in flight of a large file. */
function depthFor(block: number): number {
  return Math.max(
    DEFAULT_BLOCKS,
    Math.min(DEFAULT_DEPTH, Math.floor(DEFAULT_BUFFER_BYTES / block)),
  );
}

/** `64K`, `1M` and `1MiB` in bytes: K, M and G are powers of 1024. */
function readSize(text: string): number | null {
  const [, digits, unit = ""] = /^(\d{1,12})(?:([KMG])(?:iB)?)?$/i.exec(text) ?? [];
  if (digits === undefined) return null;
  return Number(digits) * 1024 ** ["", "K", "M", "G"].indexOf(unit.toUpperCase());
}
