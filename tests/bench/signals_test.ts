import { assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import process from "node:process";
import { Folder, itUnless, unlessLinux, until } from "../conformance/fixture.ts";
import { command } from "../examples/tool.ts";

/** The processes that `processId` has started, and those that these have. */
function descendants(processId: number): number[] {
  const file = `/proc/${processId}/task/${processId}/children`;
  if (!existsSync(file)) return [];
  const children = readFileSync(file, "utf8").split(" ").filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function nameOf(processId: number): string {
  const file = `/proc/${processId}/cmdline`;
  return existsSync(file) ? readFileSync(file, "latin1") : "";
}

/** Runs the bench with its files in `folder` until one of its servers is there, and ends it. */
async function interrupt(folder: Folder, ...scenarios: string[]): Promise<void> {
  const [program, ...args] = command("bench/bench.ts", "--rounds", "1000", ...scenarios);
  const env = { ...process.env, TMPDIR: folder.path(""), IOCP_BENCH_FOLDER: folder.path("") };
  const bench = spawn(program, args, { env, stdio: "ignore" });
  const ended = once(bench, "exit");
  const isServed = () => descendants(bench.pid!).some((id) => nameOf(id).includes("echo-"));
  await until(isServed, "a server is being measured");
  const started = descendants(bench.pid!);
  bench.kill("SIGTERM");
  const [code, signal] = await ended;
  // Deno tells such a status as the signal.
  assertEquals(
    signal === null ? code : 128 + constants.signals[signal as NodeJS.Signals],
    128 + 15,
  );
  const alive = () => started.filter((id) => nameOf(id) !== "");
  await until(() => alive().length === 0, () => `still there: ${alive().map(nameOf)}`);
  assertEquals(readdirSync(folder.path("")), []);
}

describe("a bench that a signal ends", () => {
  itUnless(unlessLinux, "leaves no program and no file", async () => {
    using folder = new Folder();
    await interrupt(folder, "echo");
  });

  itUnless(unlessLinux, "nor does one of several scenarios", async () => {
    using folder = new Folder();
    await interrupt(folder, "echo", "datagrams");
  });
});
