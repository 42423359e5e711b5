/**
 * Windows: the contract on kernel32, ntdll and ws2_32.
 *
 * @module
 */

import type { System } from "../contract.ts";
import { devices } from "./devices.ts";
import { directories } from "./directories.ts";
import { fileInformation } from "./file-information.ts";
import { files } from "./files.ts";
import { locks } from "./locks.ts";
import { mailslots } from "./mailslots.ts";
import { memory } from "./memory.ts";
import { pipes } from "./pipes.ts";
import { ports } from "./ports.ts";
import { scatter } from "./scatter.ts";
import { serial } from "./serial.ts";
import { sockets } from "./sockets.ts";
import { threads } from "./threads.ts";

/** All functions of the contract. */
export const windows: System = {
  name: "windows",
  reusesHandles: true,
  countsPackets: false,
  tellsStarts: false,
  updatesContexts: true,
  reportsErrno: false,
  ...memory,
  ...threads,
  ...ports,
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
