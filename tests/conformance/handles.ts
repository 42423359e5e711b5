/**
 * How many things this process has open, as the operating system counts them.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { library } from "../../src/ffi/library.ts";
import { isLinux } from "./fixture.ts";
import { region } from "../../src/system/linux/region.ts";

const kernel32 = library(["kernel32.dll"], {
  // HANDLE (void)
  GetCurrentProcess: { parameters: [], result: "pointer" },
  // (HANDLE hProcess, PDWORD pdwHandleCount)
  GetProcessHandleCount: { parameters: ["pointer", "buffer"], result: "i32" },
});

/** Open handles: on Linux descriptors and places of the engine's table, of which a port takes one. */
export function openHandles(): number {
  if (isLinux) return readdirSync("/proc/self/fd").length + region().handles.count();
  const count = new Uint8Array(new ArrayBuffer(4));
  kernel32().GetProcessHandleCount(kernel32().GetCurrentProcess(), count);
  return new DataView(count.buffer).getUint32(0, true);
}

/** Mappings of memory, by the line; Linux. */
export function mappings(): string[] {
  return readFileSync("/proc/self/maps", "utf8").trimEnd().split("\n");
}

/** Open descriptors whose target is `path`; Linux. */
export function descriptorsOf(path: string, readlink: (link: string) => string): string[] {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlink(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false; // The one that lists the folder.
    }
  });
}
