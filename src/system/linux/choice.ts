/**
 * Choosing the engine of a port, before it has one.
 *
 * @module
 */

import * as code from "../codes.ts";
import type { EngineName, EngineOutcome } from "../contract.ts";
import { errorOfErrno } from "../status.ts";
import { askForEngine, whyNot } from "./engines.ts";
import { findHandle } from "./handles.ts";
import * as layout from "./layout.ts";
import { type Port, portAt } from "./port.ts";
import { region } from "./region.ts";
import { self } from "./threads.ts";

/** The contract's function of this name. With a name the engine is made here, or the reason why not told. */
export function setEngine(
  handle: number,
  engine: EngineName | "",
  submissions: number,
  completions: number,
): EngineOutcome {
  const { words } = region();
  const at = findHandle(handle);
  if (at < 0 || words[at + layout.H_KIND] !== layout.KIND_PORT) {
    return refusal(code.ERROR_INVALID_HANDLE, "it is closed");
  }
  const port = portAt(words[at + layout.H_FD] - 1);
  port.lock(self());
  const outcome = findHandle(handle) === at
    ? choose(port, engine, submissions, completions)
    : refusal(code.ERROR_INVALID_HANDLE, "it is closed");
  port.unlock();
  return outcome;
}

function choose(
  port: Port,
  engine: EngineName | "",
  submissions: number,
  completions: number,
): EngineOutcome {
  if (port.hasEngine()) return refusal(code.ERROR_INVALID_PARAMETER, "the port has its engine");
  askForEngine(port.at, engine, submissions, completions);
  const errno = engine === "" ? 0 : port.needEngine();
  if (errno === 0) return { code: 0, errno: 0, reason: "" };
  const reason = engine === "io_uring" ? whyNot(errno) : "";
  return { code: errorOfErrno(errno), errno, reason };
}

function refusal(code: number, reason: string): EngineOutcome {
  return { code, errno: 0, reason };
}
