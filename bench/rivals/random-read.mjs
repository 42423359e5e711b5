// Random reads with what a runtime brings along, in whatever runtime this is run:
//
//     node bench/rivals/random-read.mjs WAY FILE DEPTH READS
//
// 4 KiB each, DEPTH of them at a time. A quarter of the reads is done before the clock runs.

import fs from "node:fs";
import process from "node:process";

const [way, path, depthText, readsText] = process.argv.slice(2);
const [depth, reads] = [Number(depthText), Number(readsText)];
const BLOCK = 4096;
const blocks = fs.statSync(path).size / BLOCK;

let state = 1;
function nextOffset() {
  state = Math.imul(state, 1664525) + 1013904223 >>> 0;
  return Math.floor(state / 2 ** 32 * blocks) * BLOCK;
}

/** Each comes to a function that begins one lane of `count` reads and resolves when they are done. */
const WAYS = {
  /** fs.read, each started by the callback of the one before. */
  callback() {
    const fd = fs.openSync(path, "r");
    return (count) =>
      new Promise((resolve, reject) => {
        const buffer = Buffer.alloc(BLOCK);
        let left = count;
        const done = (error, bytes) => {
          if (error || bytes !== BLOCK) reject(error ?? new Error(`a read came to ${bytes}`));
          else if (--left === 0) resolve();
          else fs.read(fd, buffer, 0, BLOCK, nextOffset(), done);
        };
        fs.read(fd, buffer, 0, BLOCK, nextOffset(), done);
      });
  },
  /** FileHandle.read of node:fs/promises. */
  async promise() {
    const handle = await fs.promises.open(path, "r");
    return async (count) => {
      const buffer = Buffer.alloc(BLOCK);
      for (let i = 0; i < count; i++) {
        const { bytesRead } = await handle.read(buffer, 0, BLOCK, nextOffset());
        if (bytesRead !== BLOCK) throw new Error(`a read came to ${bytesRead}`);
      }
    };
  },
  /** fs.readSync: no depth, the thread waits. */
  sync() {
    const fd = fs.openSync(path, "r");
    const buffer = Buffer.alloc(BLOCK);
    return (count) => {
      for (let i = 0; i < count; i++) fs.readSync(fd, buffer, 0, BLOCK, nextOffset());
    };
  },
  /** Deno.FsFile: a seek and a read; each lane has a file of its own. */
  denoFile() {
    return async (count) => {
      const file = await globalThis.Deno.open(path);
      const buffer = new Uint8Array(BLOCK);
      for (let i = 0; i < count; i++) {
        file.seekSync(nextOffset(), 0);
        if (await file.read(buffer) !== BLOCK) throw new Error("a read came short");
      }
      file.close();
    };
  },
  /** Bun.file().slice().arrayBuffer(). */
  bunFile() {
    const file = globalThis.Bun.file(path);
    return async (count) => {
      for (let i = 0; i < count; i++) {
        const offset = nextOffset();
        const { byteLength } = await file.slice(offset, offset + BLOCK).arrayBuffer();
        if (byteLength !== BLOCK) throw new Error(`a read came to ${byteLength}`);
      }
    };
  },
};

const lane = await WAYS[way]();
async function all(count) {
  await Promise.all(Array.from({ length: depth }, () => lane(Math.ceil(count / depth))));
}
await all(reads / 4);
const began = performance.now();
await all(reads);
const value = Math.ceil(reads / depth) * depth / (performance.now() - began) * 1000;
console.log(JSON.stringify({ value }));
process.exit();
