/**
 * What the tool copies when it is given nothing.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CompletionPort, FileHandle, NativeBuffer } from "../../mod.ts";
import { type CopyOptions, SECTOR_BYTES } from "./arguments.ts";
import { copy } from "./copy.ts";
import type { Interrupts } from "../program/interrupts.ts";
import { formatBytes, type Screen } from "../program/screen.ts";

const SAMPLE_BYTES = 256 << 20;
const BLOCK_BYTES = 1 << 20;
const DEPTH = 4;

/** Makes a sample, copies it and compares the two; leaves nothing. */
export async function copySample(
  options: CopyOptions,
  screen: Screen,
  interrupts: Interrupts,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "file-copy-"));
  try {
    const sample = join(folder, "sample");
    if (!options.quiet) screen.print(`Sample: ${formatBytes(SAMPLE_BYTES)} in ${folder}`);
    writeSample(sample);
    interrupts.check();
    await copy(sample, join(folder, "copy"), { ...options, verify: true }, screen, interrupts);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The most that `getRandomValues` gives at a time. */
const RANDOM_BYTES = 65_536;

function fillRandomly(bytes: Uint8Array<ArrayBuffer>): void {
  for (let at = 0; at < bytes.length; at += RANDOM_BYTES) {
    crypto.getRandomValues(bytes.subarray(at, at + RANDOM_BYTES));
  }
}

/** Writes random bytes, with several writes in flight. */
function writeSample(path: string): void {
  using port = new CompletionPort({ concurrency: 1 });
  using buffer = NativeBuffer.allocate(DEPTH * BLOCK_BYTES);
  using file = FileHandle.open(path, { write: true, createNew: true });
  port.associate(file, 0);
  fillRandomly(buffer.bytes);
  let next = 0;
  const writeNext = (slot: number) => {
    if (next === SAMPLE_BYTES) return;
    const block = buffer.subarray(slot * BLOCK_BYTES, (slot + 1) * BLOCK_BYTES);
    // No two pages of the sample are the same: one in the wrong place is found.
    const words = new DataView(block.bytes.buffer, block.bytes.byteOffset, BLOCK_BYTES);
    for (let at = 0; at < BLOCK_BYTES; at += SECTOR_BYTES) words.setUint32(at, next + at);
    file.write(block, next, slot);
    next += BLOCK_BYTES;
  };
  for (let slot = 0; slot < DEPTH; slot++) writeNext(slot);
  for (let done = 0; done < SAMPLE_BYTES; done += BLOCK_BYTES) {
    const packet = port.get()!;
    if (packet.error) throw packet.error;
    writeNext(packet.operation!.tag);
  }
}
