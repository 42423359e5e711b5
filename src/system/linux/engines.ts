/**
 * Which engine a port has, and why.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { view } from "../../ffi/memory.ts";
import type { EngineName } from "../contract.ts";
import type { Engine } from "./engine.ts";
import { createEpoll, destroyEpoll, Epoll } from "./epoll.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import { region } from "./region.ts";
import { Ring } from "./ring.ts";
import { askForEntries, createRing, destroyRing } from "./ring-memory.ts";

/** The variable that asks for an engine: `io_uring` or `epoll`. */
const VARIABLE = "IOCP_ENGINE";

/** In place of an errno, in a port's reason: who has asked for the engine it has or is to have. */
const EPOLL_BY_VARIABLE = -1;
const EPOLL_BY_OPTION = -2;
const RING_BY_OPTION = -3;

/**
 * The value of a variable of the process's environment. Asked of libc, because
 * the runtime would want a permission for it.
 */
export function environment(name: string): string {
  const address = Number(libc().getenv(errno.cString(name)));
  if (address === 0) return "";
  const length = Number(libc().strlen(BigInt(address)));
  return length === 0 ? "" : new TextDecoder().decode(new Uint8Array(view(address, length)));
}

/** Notes what the port at `port` is to have once it has an engine: `""` and 0 leave that open. */
export function askForEngine(
  port: number,
  engine: EngineName | "",
  submissions: number,
  completions: number,
): void {
  const { words } = region();
  words[port + layout.P_ENGINE_REASON] = engine === "epoll"
    ? EPOLL_BY_OPTION
    : engine === "io_uring"
    ? RING_BY_OPTION
    : 0;
  askForEntries(port, submissions, completions);
}

/** Makes the engine of the port at `port`. Returns 0 or an errno. */
export function createEngine(port: number): number {
  const { words } = region();
  const byOption = words[port + layout.P_ENGINE_REASON];
  const variable = byOption === 0 ? environment(VARIABLE) : "";
  const reason = variable === "epoll"
    ? EPOLL_BY_VARIABLE
    : byOption === EPOLL_BY_OPTION
    ? EPOLL_BY_OPTION
    : createRing(port);
  if (reason === 0) {
    words[port + layout.P_ENGINE] = layout.ENGINE_RING;
    return 0;
  }
  if (variable === "io_uring" || byOption === RING_BY_OPTION) return reason;
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
  const reason = words[port + layout.P_ENGINE_REASON];
  if (words[port + layout.P_ENGINE] === layout.ENGINE_RING) {
    return reason === RING_BY_OPTION ? "io_uring: asked for by option" : "io_uring";
  }
  if (reason === EPOLL_BY_VARIABLE) return `epoll: asked for by ${VARIABLE}`;
  if (reason === EPOLL_BY_OPTION) return "epoll: asked for by option";
  return `epoll: ${whyNot(reason)}`;
}

/** What stands in the way of io_uring, by its errno, and what to do about it. */
export function whyNot(reason: number): string {
  const name = reason === errno.EPERM
    ? "EPERM: a seccomp filter, as containers have, or the sysctl kernel.io_uring_disabled forbids it"
    : reason === errno.ENOSYS
    ? "ENOSYS: the kernel is older than 5.11, is built without it, or a seccomp filter hides it"
    : reason === errno.ENOMEM
    ? "ENOMEM: memory is short, or what may be locked (ulimit -l) or mapped (ulimit -v)"
    : `errno ${reason}`;
  return `io_uring_setup failed with ${name}`;
}
