// Watches a folder with what a runtime or a package brings along, in whatever runtime this is run:
//
//     node bench/rivals/watch.mjs WAY FOLDER FILES all|each
//
// Prints "ready" when it watches, then counts new files in the folders of FOLDER. With "each" it
// prints when each was told of; with "all", once, how many there were and when the last came,
// when it has seen FILES or nothing has come for a second. Times are milliseconds since 1970.

import fs from "node:fs";
import { relative } from "node:path";
import process from "node:process";

const [way, folder, filesText, mode] = process.argv.slice(2);
const files = Number(filesText);
const GRACE_MS = 1000;

const seen = new Set();
let last = 0;
let timer;

function now() {
  return performance.timeOrigin + performance.now();
}

function end() {
  if (mode === "all") console.log(JSON.stringify({ seen: seen.size, last }));
  process.exit();
}

/** A path relative to the folder, of anything new. */
function found(path) {
  if (!/[\\/]\d+$/.test(path) || seen.has(path)) return;
  seen.add(path);
  last = now();
  if (mode === "each") console.log(last);
  if (seen.size === files) end();
}

function waitOn() {
  clearTimeout(timer);
  if (mode === "all") {
    timer = setTimeout(() => now() - last > GRACE_MS ? end() : waitOn(), GRACE_MS);
  }
}

function ready() {
  console.log("ready");
  last = now() + 20_000; // Until the first one comes there is more time.
  waitOn();
}

const WAYS = {
  fsWatch() {
    fs.watch(folder, { recursive: true }, (_, name) => name !== null && found(name));
    setTimeout(ready, 1000); // It does not tell when it is ready.
  },
  async chokidar() {
    const { watch } = await import("chokidar");
    watch(folder, { ignoreInitial: true })
      .on("add", (path) => found(relative(folder, path)))
      .on("ready", ready);
  },
  async parcel() {
    const { default: watcher } = await import("@parcel/watcher");
    await watcher.subscribe(folder, (error, events) => {
      if (error) console.error(error);
      for (const { type, path } of events) if (type === "create") found(relative(folder, path));
    });
    ready();
  },
  async denoWatchFs() {
    const watcher = globalThis.Deno.watchFs(folder);
    ready();
    for await (const { paths } of watcher) for (const path of paths) found(relative(folder, path));
  },
};

WAYS[way]();
