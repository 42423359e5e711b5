/**
 * The functions of iphlpapi.dll: the interfaces of this computer.
 *
 * @module
 */

import { library } from "./library.ts";
import type { Functions, Signatures } from "./signature.ts";

const IPHLPAPI = {
  // NET_IFINDEX (PCSTR InterfaceName): 0 if there is none of that name
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
} as const satisfies Signatures;

/** iphlpapi.dll, loaded on first use. */
export const iphlpapi: () => Functions<typeof IPHLPAPI> = library(["iphlpapi.dll"], IPHLPAPI);
