/**
 * Which engine a port has, and why.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { view } from "../../ffi/memory.ts";
import type { Engine } from "./engine.ts";
import { createEpoll, destroyEpoll, Epoll } from "./epoll.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import { region } from "./region.ts";
import { createRing, destroyRing, Ring } from "./ring.ts";

/** The variable that asks for an engine: `io_uring` or `epoll`. */
const VARIABLE = "IOCP_ENGINE";

/** In place of an errno: nobody has tried io_uring. */
const ASKED = -1;

/**
 * The value of a variable of the process's environment. Asked of libc, because
 * the runtime would want a permission for it.
 */
function environment(name: string): string {
  const address = Number(libc().getenv(errno.cString(name)));
  if (address === 0) return "";
  const length = Number(libc().strlen(BigInt(address)));
  return length === 0 ? "" : new TextDecoder().decode(new Uint8Array(view(address, length)));
}

/** Makes the engine of the port at `port`. Returns 0 or an errno. */
export function createEngine(port: number): number {
  const { words } = region();
  const asked = environment(VARIABLE);
  const reason = asked === "epoll" ? ASKED : createRing(port);
  if (reason === 0) {
    words[port + layout.P_ENGINE] = layout.ENGINE_RING;
    return 0;
  }
  if (asked === "io_uring") return reason;
  const failure = createEpoll(port);
  if (failure !== 0) return failure;
  words[port + layout.P_ENGINE_REASON] = reason;
  words[port + layout.P_ENGINE] = layout.ENGINE_EPOLL;
  return 0;
}

/** This thread's view of the port's engine. */
export function viewEngine(port: number): Engine {
  const isRing = region().words[port + layout.P_ENGINE] === layout.ENGINE_RING;
  return isRing ? new Ring(port) : new Epoll(port);
}

/** Gives the engine back. Nothing may be in flight on it. */
export function destroyEngine(port: number): void {
  const { words } = region();
  if (words[port + layout.P_ENGINE] === layout.ENGINE_RING) destroyRing(port);
  else destroyEpoll(port);
  words[port + layout.P_ENGINE] = 0;
}

/** What `port.engine` says: the engine, and if it is not io_uring, why not and what to do. */
export function describeEngine(port: number): string {
  const { words } = region();
  if (words[port + layout.P_ENGINE] === layout.ENGINE_RING) return "io_uring";
  const reason = words[port + layout.P_ENGINE_REASON];
  if (reason === ASKED) return `epoll: asked for by ${VARIABLE}`;
  const name = reason === errno.EPERM
    ? "EPERM: a seccomp filter, as containers have, or the sysctl kernel.io_uring_disabled forbids it"
    : reason === errno.ENOSYS
    ? "ENOSYS: the kernel is older than 5.11, is built without it, or a seccomp filter hides it"
    : `errno ${reason}`;
  return `epoll: io_uring_setup failed with ${name}`;
}
