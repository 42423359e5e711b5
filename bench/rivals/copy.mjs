// Copies a file or a folder with what a runtime brings along, in whatever runtime this is run:
//
//     node bench/rivals/copy.mjs WAY SOURCE TARGET AMOUNT
//
// Prints AMOUNT a second as JSON. The runtime's start does not count.

import fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pipeline } from "node:stream/promises";

const [way, source, target, amount] = process.argv.slice(2);

/** Files copied at a time by what copies one by one. */
const WIDTH = 32;

/** Copies each file of the folder by `copy`, several at a time. */
async function eachFile(copy) {
  const files = [];
  const walk = (from, to) => {
    fs.mkdirSync(to);
    for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
      const pair = [join(from, entry.name), join(to, entry.name)];
      if (entry.isDirectory()) walk(...pair);
      else files.push(pair);
    }
  };
  walk(source, target);
  const lane = async () => {
    for (let pair = files.pop(); pair !== undefined; pair = files.pop()) await copy(...pair);
  };
  await Promise.all(Array.from({ length: WIDTH }, lane));
}

const WAYS = {
  copyFile: () => fs.promises.copyFile(source, target),
  denoCopyFile: () => globalThis.Deno.copyFile(source, target),
  bunWrite: () => globalThis.Bun.write(target, globalThis.Bun.file(source)),
  streams: () => pipeline(fs.createReadStream(source), fs.createWriteStream(target)),
  cp: () => fs.promises.cp(source, target, { recursive: true }),
  eachCopyFile: () => eachFile(fs.promises.copyFile),
  eachDenoCopyFile: () => eachFile(globalThis.Deno?.copyFile),
  eachBunWrite: () => eachFile((from, to) => globalThis.Bun.write(to, globalThis.Bun.file(from))),
};

const began = performance.now();
await WAYS[way]();
console.log(JSON.stringify({ value: amount / (performance.now() - began) * 1000 }));
