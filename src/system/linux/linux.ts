/**
 * Linux: the contract on io_uring, futexes and shared memory.
 *
 * @module
 */

import type { System } from "../contract.ts";
import { setEngine } from "./choice.ts";
import { threads } from "./death.ts";
import { devices } from "./devices.ts";
import { directories } from "./directories.ts";
import { fileInformation } from "./file-information.ts";
import { files } from "./files.ts";
import { locks } from "./locks.ts";
import { mailslots } from "./mailslots.ts";
import { pipes } from "./pipes.ts";
import { ports } from "./ports.ts";
import { scatter } from "./scatter.ts";
import { mapProcessMemory, virtualAlloc, virtualFree } from "./process-memory.ts";
import { serial } from "./serial.ts";
import { sockets } from "./sockets.ts";

/** All functions of the contract. */
export const linux: System = {
  name: "linux",
  reusesHandles: false,
  countsPackets: true,
  tellsStarts: true,
  updatesContexts: false,
  reportsErrno: true,
  virtualAlloc,
  virtualFree,
  mapProcessMemory,
  ...threads,
  ...ports,
  setEngine,
  ...files,
  ...fileInformation,
  ...scatter,
  ...locks,
  ...pipes,
  ...devices,
  ...serial,
  ...mailslots,
  ...directories,
  ...sockets,
};
