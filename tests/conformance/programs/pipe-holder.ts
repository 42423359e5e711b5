/** A process that serves a pipe, or opens one when it is free, and keeps it until it is killed. */

import process from "node:process";
import { PipeHandle } from "../../../mod.ts";

const [what, name] = process.argv.slice(2);
const held = what === "serve"
  ? PipeHandle.serve(name)
  : PipeHandle.open(name, { type: "message", timeoutMs: Infinity });
setInterval(() => held.isClosed, 1000);
