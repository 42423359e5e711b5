/**
 * Which engine a port has, and what it says of it.
 *
 * @module
 */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { CompletionPort, FileHandle, NativeBuffer, Win32Error } from "../../../mod.ts";
import type { EngineName } from "../../../src/system/system.ts";
import { Folder, isBun, isLinux, itUnless, unlessLinux } from "../../conformance/fixture.ts";

const PROGRAM = fileURLToPath(new URL("./programs/forbidden.ts", import.meta.url));
const NO_SECCOMP = !isLinux && "Windows has no seccomp";

/** What the program says, run by this runtime with `engine` asked for by variable, and by option. */
function run(engine: string, ...option: string[]): Record<string, unknown> {
  const args = [...isBun ? [] : ["run", "--allow-all", "--no-check"], PROGRAM, ...option];
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

  itUnless(NO_SECCOMP, "who asks for io_uring by option gets it when the port is made", () => {
    const { stderr } = run("epoll", "io_uring");
    assertStringIncludes(
      `${stderr}`,
      "CreateIoCompletionPort of a port on io_uring failed: ERROR_ACCESS_DENIED (5): ",
    );
    assertStringIncludes(`${stderr}`, "io_uring_setup failed with EPERM: a seccomp filter");
  });

  itUnless(NO_SECCOMP, "who asks for epoll by option is not told of io_uring", () => {
    assertEquals(run("io_uring", "epoll").engine, "epoll: asked for by option");
  });
});

describe("the option engine", () => {
  /** Reads a file through a port on this engine; what the port says of it, before and after. */
  function use(engine: EngineName): string[] {
    using folder = new Folder();
    using port = new CompletionPort({ engine });
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    using buffer = NativeBuffer.allocate(8);
    const before = port.engine;
    port.associate(file, 3);
    file.read(buffer, 0);
    const packet = port.get();
    assertEquals([packet?.key, packet?.bytesTransferred], [3, 3]);
    using attached = CompletionPort.attach(port.token);
    return [before, port.engine, attached.engine];
  }

  /** Whether io_uring can be had where the tests run. */
  function isForbidden(): string | false {
    if (!isLinux) return unlessLinux;
    try {
      use("io_uring");
      return false;
    } catch (error) {
      if (error instanceof Win32Error) return error.message;
      throw error;
    }
  }

  itUnless(unlessLinux, "epoll: the port has it, whatever the variable says", () => {
    assertEquals(new Set(use("epoll")), new Set(["epoll: asked for by option"]));
  });

  itUnless(isForbidden(), "io_uring: the port has it, whatever the variable says", () => {
    assertEquals(new Set(use("io_uring")), new Set(["io_uring: asked for by option"]));
  });

  itUnless(isLinux && "Linux has engines", "on Windows any is an error, and none is left", () => {
    for (const engine of ["io_uring", "epoll"] as const) {
      const { code, name, message } = assertThrows(
        () => new CompletionPort({ engine }),
        Win32Error,
      );
      assertEquals([code, name], [50, "ERROR_NOT_SUPPORTED"]);
      assertStringIncludes(message, `Windows has no ${engine}`);
    }
    using port = new CompletionPort({ ring: { submissions: 1 } });
    assertEquals(port.engine, "Windows");
  });
});
