import { assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { Folder, isBun, isLinux, itUnless } from "../conformance/fixture.ts";

const MODULES = ["mod.ts", "src/pool/thread.ts", "src/system/system.ts"];
const urlOf = (module: string) => new URL(`../../${module}`, import.meta.url).href;

/** Runs a program of its own in this runtime; returns what it prints. */
function run(code: string, denoFlags: string[] = []): string {
  using folder = new Folder();
  const script = folder.file("script.ts", code);
  // Not node:child_process in Deno: that one adds permissions when it is asked to run Deno.
  const { stdout, stderr, status } = isBun
    ? spawnSync(process.execPath, [script], { encoding: "utf8" })
    : runDeno(["run", "--no-prompt", "--no-check", "--no-lock", ...denoFlags, script]);
  assertEquals(status, 0, stderr);
  return stdout.trim();
}

function runDeno(args: string[]): { stdout: string; stderr: string; status: number } {
  const command = new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } });
  const { stdout, stderr, code } = command.outputSync();
  const decoder = new TextDecoder();
  return { stdout: decoder.decode(stdout), stderr: decoder.decode(stderr), status: code };
}

/** Imports the module, makes a port, and prints how that fails. */
function failureOf(denoFlags: string[]): { name: string; message: string; hasCause: boolean } {
  const code = `
    import { CompletionPort, LibraryError } from ${JSON.stringify(urlOf("mod.ts"))};
    try {
      new CompletionPort();
      console.log("null");
    } catch (error) {
      const { name, message, cause } = error;
      const hasCause = error instanceof LibraryError && cause !== undefined;
      console.log(JSON.stringify({ name, message, hasCause }));
    }`;
  return JSON.parse(run(code, denoFlags));
}

const unlessDeno = isBun && "Bun asks for no permissions";

describe("importing", () => {
  for (const module of MODULES) {
    it(`${module} works without any permission: nothing is loaded, nothing asked`, () => {
      assertEquals(
        run(`import ${JSON.stringify(urlOf(module))}; console.log("imported");`),
        "imported",
      );
    });
  }

  itUnless(
    !isLinux && "looks into the Linux system",
    "maps no memory before the first call",
    () => {
      const code = (use: string) => `
      import { readFileSync } from "node:fs";
      import { CompletionPort } from ${JSON.stringify(urlOf("mod.ts"))};
      ${use};
      const maps = readFileSync("/proc/self/maps", "utf8").split("\\n");
      console.log(maps.filter((line) => line.includes("iocp-")).length > 0);`;
      const flags = ["--allow-all"];
      assertEquals(run(code("void CompletionPort"), flags), "false");
      assertEquals(run(code("new CompletionPort().close()"), flags), "true");
    },
  );

  itUnless(unlessDeno, "the first call without --allow-ffi says what to do", () => {
    const { name, message, hasCause } = failureOf([]);
    assertEquals([name, hasCause], ["LibraryError", true]);
    assertStringIncludes(message, "--allow-ffi");
    assertStringIncludes(message, isLinux ? "libc" : "kernel32.dll");
  });

  itUnless(unlessDeno, "with --allow-ffi and nothing else it works", () => {
    const code = `
      import { CompletionPort } from ${JSON.stringify(urlOf("mod.ts"))};
      using port = new CompletionPort();
      port.post({ key: 7 });
      console.log(port.get()?.key);`;
    assertEquals(run(code, ["--allow-ffi"]), "7");
  });

  itUnless(unlessDeno, "--allow-ffi with a list of paths is not enough, and says so", () => {
    const { name, message } = failureOf([`--allow-ffi=${isLinux ? "libc.so.6" : "kernel32.dll"}`]);
    assertEquals(name, "LibraryError");
    assertStringIncludes(message, "--allow-ffi");
  });
});
