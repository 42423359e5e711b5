/**
 * Which engine a port has, and what it says of it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { isLinux, itUnless } from "../../conformance/fixture.ts";

const PROGRAM = fileURLToPath(new URL("./programs/forbidden.ts", import.meta.url));
const NO_SECCOMP = !isLinux && "Windows has no seccomp";

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
  itUnless(NO_SECCOMP, "where io_uring is forbidden, a port works on epoll and says why", () => {
    assertEquals(run(""), {
      engine: "epoll: io_uring_setup failed with EPERM: a seccomp filter, as containers have, " +
        "or the sysctl kernel.io_uring_disabled forbids it",
      key: 7,
      tag: 8,
      text: "/**\n * A process",
    });
  });

  itUnless(NO_SECCOMP, "who asks for io_uring where it is forbidden gets the error of it", () => {
    const { stderr } = run("io_uring");
    assertEquals(
      /CreateIoCompletionPort of .* failed: ERROR_ACCESS_DENIED \(5\)/.test(`${stderr}`),
      true,
    );
  });
});
