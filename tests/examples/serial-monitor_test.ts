import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { main } from "../../examples/serial-monitor.ts";
import { HELP, readArguments } from "../../examples/serial-monitor/arguments.ts";
import { Show } from "../../examples/serial-monitor/show.ts";
import { Folder, isWindows, itUnless, until } from "../conformance/fixture.ts";
import { Pty } from "../conformance/pty.ts";
import { unlessPty } from "../conformance/serial-bench.ts";
import { RecordedScreen } from "./screen.ts";
import { command } from "./tool.ts";

/** A run of the tool in this process. */
class Run extends RecordedScreen {
  status: number | null = null;
  readonly typed: string[] = [];
}

function start(...args: string[]): Run {
  const run = new Run();
  void main(args, run, { next: () => run.typed.shift() }).then((status) => run.status = status);
  return run;
}

async function ended(run: Run): Promise<Run> {
  await until(() => run.status !== null, "the tool ends");
  return run;
}

describe("serial-monitor, the command line", () => {
  it("--help says how it is used, and nothing is opened", async () => {
    for (const flag of ["-h", "--help"]) {
      const { status, out, complained } = await ended(start(flag, "/dev/none"));
      assertEquals([status, out, complained], [0, HELP, []]);
    }
  });

  it("mistakes: status 2, what is wrong, and where help is", async () => {
    const wrong: Record<string, string[]> = {
      "one LINE is needed, and 0 given": [],
      "one LINE is needed, and 2 given": ["a", "b"],
      "one LINE is needed, and 1 given": [""],
      "--speed takes bits a second, not '1k'": ["x", "--speed", "1k"],
      "--speed takes bits a second, not '0'": ["x", "-s", "0"],
      "--data takes one of 5, 6, 7, 8, not '9'": ["x", "--data", "9"],
      "--parity takes one of none, odd, even, mark, space, not 'x'": ["x", "--parity", "x"],
      "--stop takes one of 1, 1.5, 2, not '3'": ["x", "--stop", "3"],
      "--stop 1.5 does not go with --data 8": ["x", "--stop", "1.5"],
      "--flow takes one of none, hardware, software, not 'y'": ["x", "--flow", "y"],
      "--end takes one of lf, cr, crlf, none, not 'z'": ["x", "--end", "z"],
    };
    for (const [message, args] of Object.entries(wrong)) {
      const { status, out, complained } = await ended(start(...args));
      assertEquals([status, out, complained], [2, "", [`${message}\nTry --help.`]]);
    }
    assertEquals(readArguments(["x", "--none"]).kind, "mistake");
  });

  it("what is chosen, and what is meant if nothing is", () => {
    assertEquals(readArguments(["COM3"]), {
      kind: "watch",
      path: "COM3",
      options: {
        serial: {
          speed: 115200,
          dataBits: 8,
          parity: "none",
          stopBits: 1,
          flowControl: "none",
        },
        hex: false,
        times: false,
        events: false,
        ending: "\n",
      },
    });
    const chosen = readArguments([
      ...["-s", "300", "--data", "5", "--stop", "1.5", "--parity", "odd", "--flow", "software"],
      ...["--end", "crlf", "-x", "-t", "-e", "L"],
    ]);
    assert(chosen.kind === "watch");
    const { serial, hex, times, events, ending } = chosen.options;
    assertEquals([serial.speed, serial.dataBits, serial.stopBits], [300, 5, 1.5]);
    assertEquals([serial.parity, serial.flowControl], ["odd", "software"]);
    assertEquals([hex, times, events, ending], [true, true, true, "\r\n"]);
  });
});

describe("serial-monitor, a line", () => {
  it("that there is none of: status 1 and one line with its name", async () => {
    using folder = new Folder();
    const path = isWindows ? "COM198" : folder.path("none");
    const { status, out, complained } = await ended(start(path));
    assertEquals([status, out, complained.length], [1, "", 1]);
    assert(complained[0].includes(`${path} failed: ERROR_FILE_NOT_FOUND`), complained[0]);
  });

  itUnless(
    unlessPty,
    "shows what comes, sends what is typed, and ends when it is gone",
    async () => {
      using pty = new Pty();
      const run = start(pty.path, "--end", "crlf", "--events");
      pty.send("Hello ");
      await until(() => run.out === "Hello ", "the first bytes are shown");
      pty.send("wörld\n");
      await until(() => run.out === "Hello wörld\n", "the other bytes are shown");
      run.typed.push("AT", "x".repeat(10_000));
      let sent = "";
      await until(() => (sent += pty.received()).length === 10_006, "what was typed is sent");
      assertEquals(sent, `AT\r\n${"x".repeat(10_000)}\r\n`);
      pty.close();
      await ended(run);
      assertEquals([run.status, run.complained.length], [1, 2]);
      assertEquals(run.complained[0], `${pty.path} is open; end with Ctrl-C`);
      assertMatch(run.complained[1], /ERROR_IO_DEVICE \(1117\)/);
    },
  );

  itUnless(
    unlessPty,
    "is left on Ctrl-C, with status 130, whatever standard input is",
    async () => {
      using pty = new Pty();
      const [program, ...args] = command("examples/serial-monitor.ts", pty.path, "--hex");
      const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
      let [out, error] = ["", ""];
      child.stdout.setEncoding("utf8").on("data", (text: string) => out += text);
      child.stderr.setEncoding("utf8").on("data", (text: string) => error += text);
      let status: number | null = null;
      child.on("close", (code, signal) => {
        status = code ?? 128 + constants.signals[signal!];
      });
      await until(() => error.includes("is open") || status !== null, "the tool is under way");
      pty.send("abc");
      await until(() => out !== "" || status !== null, "bytes are shown");
      child.stdin.end("typed\n");
      let sent = "";
      await until(() => (sent += pty.received()) === "typed\n", "what was typed is sent");
      child.kill("SIGINT");
      await until(() => status !== null, "the tool ends");
      assertEquals([status, out], [130, "61 62 63\n"]);
      assertMatch(error, /interrupted by SIGINT\n$/);
      assert(pty.canBeOpened());
    },
  );
});

describe("serial-monitor, what is shown", () => {
  const time = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 67));
  const bytes = (text: string) => new TextEncoder().encode(text);

  it("a character that comes in two parts is one", () => {
    const show = new Show({ hex: false, times: false });
    const [first, ...rest] = bytes("ö");
    assertEquals(show.text(new Uint8Array([first]), time), "");
    assertEquals(show.text(new Uint8Array(rest), time), "ö");
  });

  it("times stand where lines begin, however the bytes come", () => {
    const show = new Show({ hex: false, times: true });
    const stamp = "[03:04:05.067] ";
    assertEquals(show.text(bytes("a"), time), `${stamp}a`);
    assertEquals(show.text(bytes("b\nc\n"), time), `b\n${stamp}c\n`);
    assertEquals(show.text(bytes("\n"), time), `${stamp}\n`);
  });

  it("bytes as numbers, sixteen a line", () => {
    const show = new Show({ hex: true, times: false });
    const numbers = new Uint8Array(18).map((_, index) => index);
    const first = "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f";
    assertEquals(show.text(numbers, time), `${first}\n10 11\n`);
  });
});
