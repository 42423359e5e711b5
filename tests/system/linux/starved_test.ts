/**
 * What happens when the system has not enough: of memory, of descriptors.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { isBun, isLinux, itUnless } from "../../conformance/fixture.ts";

const PROGRAM = fileURLToPath(new URL("./programs/starved.ts", import.meta.url));
const NO_LIMITS = !isLinux && "Windows has no setrlimit";

/** What the program says, on the engine that is taken where there is a choice. */
function run(): Record<string, string> {
  const args = isBun ? [PROGRAM] : ["run", "--allow-all", "--no-check", PROGRAM];
  const env = { ...process.env, IOCP_ENGINE: "", NO_COLOR: "1" };
  const { stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(stderr);
  }
}

const said: Record<string, string> = isLinux ? run() : {};
/** Where the process may not use io_uring at all, that is the reason instead. */
const noRing = /EPERM|ENOSYS/.test(`${said.asked}`) && said.asked;

describe("promise 10: too little of something", () => {
  itUnless(
    NO_LIMITS,
    "address space for the shared tables: an error that says so, each time",
    () => {
      for (const text of [said.first, said.second]) {
        assertStringIncludes(text, "Reserving the engine's shared memory failed");
        assertStringIncludes(text, "ERROR_NOT_ENOUGH_MEMORY (errno 12)");
        assertStringIncludes(text, "ulimit -v");
      }
      // With enough of it the next port works, and nothing is left of those that failed.
      assertEquals(said.ports, "1 in the core, 1 in the engine");
    },
  );

  itUnless(NO_LIMITS, "memory for a buffer: 8, and no place is taken", () => {
    assertStringIncludes(said.buffer, "12: VirtualAlloc of 67108864 bytes failed: ");
    assertStringIncludes(said.buffer, "ERROR_NOT_ENOUGH_MEMORY (8)");
    assertEquals(said.buffers, "0");
  });

  itUnless(NO_LIMITS || noRing, "memory for a ring: the port works on epoll and says why", () => {
    assertStringIncludes(said.fallback, "16 bytes by epoll: io_uring_setup failed with ENOMEM");
  });

  itUnless(NO_LIMITS || noRing, "memory for a ring that was asked for: 8, with the reason", () => {
    assertStringIncludes(said.asked, "12: CreateIoCompletionPort of a port on io_uring failed: ");
    assertStringIncludes(said.asked, "ERROR_NOT_ENOUGH_MEMORY (8)");
    assertStringIncludes(said.asked, "io_uring_setup failed with ENOMEM");
  });

  itUnless(NO_LIMITS, "descriptors, for files and for engines: 4, with errno", () => {
    for (const text of [said.open, said.either, said.associate, ...noRing ? [] : [said.engine]]) {
      assertStringIncludes(text, "24: ");
      assertStringIncludes(text, "ERROR_TOO_MANY_OPEN_FILES (4)");
    }
  });

  itUnless(NO_LIMITS, "with enough of everything again the port works, and nothing is left", () => {
    assertStringIncludes(said.afterwards, "16 bytes by ");
    assertEquals(said.left, "0 in the core, 0 in the engine");
  });
});
