/**
 * Which engine a port has, and what it says of it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import process from "node:process";

const PROGRAM = fileURLToPath(new URL("./programs/forbidden.ts", import.meta.url));
const isLinux = process.platform === "linux";

/** What the program says, run by this runtime with `engine` asked for. */
function run(engine: string): Record<string, unknown> {
  const args = "Bun" in globalThis ? [PROGRAM] : ["run", "--allow-all", "--no-check", PROGRAM];
  const env = { ...process.env, IOCP_ENGINE: engine, NO_COLOR: "1" };
  const { stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
  try {
    return JSON.parse(stdout);
  } catch {
    return { stderr };
  }
}

describe("engines", () => {
  const name = "where io_uring is forbidden, a port works on epoll and says why";
  (isLinux ? it : it.skip)(isLinux ? name : `${name} (skipped: Windows has no seccomp)`, () => {
    assertEquals(run(""), {
      engine: "epoll: io_uring_setup failed with EPERM: a seccomp filter, as containers have, " +
        "or the sysctl kernel.io_uring_disabled forbids it",
      key: 7,
      tag: 8,
      text: "/**\n * A process",
    });
  });

  const asked = "who asks for io_uring where it is forbidden gets the error, with its errno";
  (isLinux ? it : it.skip)(isLinux ? asked : `${asked} (skipped: Windows has no seccomp)`, () => {
    const { stderr } = run("io_uring");
    assertEquals(
      /CreateIoCompletionPort of .* failed: ERROR_ACCESS_DENIED \(5\)/.test(`${stderr}`),
      true,
    );
  });
});
