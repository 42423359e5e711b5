/**
 * Many reads in flight at once.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { CompletionPort, FileHandle, NativeBuffer } from "../../../mod.ts";
import { makeFile, runFolder } from "../../files.ts";
import { randoms } from "../../figures.ts";
import { output, ownProgram } from "../../programs.ts";
import type { Contender, Runner } from "../../scenario.ts";

const BLOCK = 4096;
const FILE_BYTES = 16 << 20;
const BATCH = 1024;
const OFFSETS = 65_536;

/** A file of the page cache. */
export function smallFile(): string {
  const path = join(runFolder(), "scale.bin");
  return existsSync(path) ? path : makeFile(path, FILE_BYTES);
}

/** Nanoseconds of a read when `depth` are started, then all taken, until `reads` are done. */
export function readsInFlight(
  name: string,
  depth: number,
  reads: number,
  isOurs: boolean,
): Contender {
  const open = (): Runner => {
    const port = new CompletionPort({ concurrency: 1 });
    const file = FileHandle.open(smallFile());
    port.associate(file, 1);
    // All into the same few pages: what is measured is not the processor's cache.
    const buffer = NativeBuffer.allocate(BLOCK);
    // The same offsets at every depth, so that each has as much of the file in the processor's cache.
    const offsets = randoms(OFFSETS, FILE_BYTES / BLOCK);
    let next = 0;
    const turn = (): void => {
      port.batch(() => {
        for (let tag = 0; tag < depth; tag++) {
          file.read(buffer, offsets[next++ % OFFSETS] * BLOCK, tag);
        }
      });
      for (let taken = 0; taken < depth;) {
        for (const { error } of port.getMany(BATCH)) {
          if (error !== null) throw error;
          taken++;
        }
      }
    };
    return {
      pass(): number {
        const turns = Math.ceil(reads / depth);
        const began = performance.now();
        for (let i = 0; i < turns; i++) turn();
        return (performance.now() - began) * 1e6 / (turns * depth);
      },
      close(): void {
        file.close();
        buffer.free();
        port.close();
      },
    };
  };
  return { name, isOurs, open };
}

/** Bytes that the process grows by for each operation in flight; in a process of its own. */
export function memoryInFlight(name: string, kind: "file" | "pipe", depth: number): Contender {
  return {
    name,
    isOurs: true,
    warmsUp: true,
    open: () => ({
      async pass(): Promise<number> {
        const program = ownProgram("bench/scenarios/scale/memory.ts");
        return Number(await output([...program, kind, `${depth}`, smallFile()]));
      },
    }),
  };
}

/** A figure that is not measured: what another one is not to exceed. */
export function bound(name: string, value: number): Contender {
  return { name, warmsUp: true, open: () => ({ pass: () => value }) };
}
