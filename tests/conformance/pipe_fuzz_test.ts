import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readdirSync } from "node:fs";
import { PipeHandle, type PipeServeOptions, Win32Error } from "../../mod.ts";
import { sockets } from "../../src/ffi/libc.ts";
import { word } from "../../src/ffi/library.ts";
import { itUnless, unlessLinux } from "./fixture.ts";
import { openHandles } from "./handles.ts";
import { freshName, Pipes } from "./pipes.ts";
import { chooseSeed, randomFrom } from "./random.ts";

const INPUTS = 100_000;
const MSG_DONTWAIT_NOSIGNAL = 0x4040;

/** The descriptor of the newest socket of this process. */
function newestSocket(before: ReadonlySet<string>): number {
  return Number(readdirSync("/proc/self/fd").filter((fd) => !before.has(fd)).at(0));
}

describe("a pipe and bad input", () => {
  itUnless(
    unlessLinux,
    `framing: ${INPUTS} packets that are none: an error or a message each`,
    () => {
      const random = randomFrom(chooseSeed("framing"));
      using pipes = new Pipes();
      const server = pipes.serve({ type: "message" });
      server.connect();
      const before = new Set(readdirSync("/proc/self/fd"));
      const client = pipes.open({ type: "message" });
      const fd = newestSocket(before);
      assertEquals(pipes.outcome(), [0, 0]);
      const handles = openHandles();
      const packet = pipes.buffer(64);
      const into = pipes.buffer(32);
      const seen = new Map<number, number>();
      for (let i = 0; i < INPUTS; i++) {
        // Sometimes the right mark, with whatever flags, lengths and order.
        const length = 1 + random(64);
        for (let at = 0; at < length; at++) packet.bytes[at] = random(256);
        if (random(4) > 0 && length >= 4) packet.bytes.set([random(5), 0, 0x50, 0x49]);
        const sent = sockets().send(fd, word(packet.address), word(length), MSG_DONTWAIT_NOSIGNAL);
        assertEquals(Number(sent), length);
        // What is not of a message ends a read with 230 or 1236; half a message waits for the rest.
        for (let waits = false; !waits;) {
          server.read(into.subarray(0, 1 + random(32)));
          let taken = pipes.port.get(0);
          waits = taken === null;
          if (waits) server.cancel();
          taken ??= pipes.take();
          const code = taken.error?.code ?? 0;
          seen.set(code, (seen.get(code) ?? 0) + 1);
        }
      }
      assertEquals([...seen.keys()].toSorted((a, b) => a - b), [0, 230, 234, 995, 1236]);
      assertEquals(openHandles(), handles);
      assert(!client.isClosed);
    },
  );

  it(`options: ${INPUTS} that are not meant: refused, or a pipe; nothing stays open`, () => {
    const random = randomFrom(chooseSeed("options"));
    const odd = [
      undefined,
      null,
      0,
      1,
      -1,
      1.5,
      NaN,
      Infinity,
      2 ** 53,
      255,
      256,
      "",
      "x",
      true,
      {},
      [],
    ];
    const names = ["", "\\\\.\\pipe\\", "\\\\.\\pipe\\\0", "/", "x", "\\\\x\\y", null, 5, {}];
    const keys = [
      "type",
      "read",
      "write",
      "first",
      "instances",
      "timeoutMs",
      "mode",
      "inBufferBytes",
    ];
    const good = freshName();
    PipeHandle.serve(good).close();
    const before = openHandles();
    let made = 0;
    for (let i = 0; i < INPUTS; i++) {
      const options: Record<string, unknown> = {};
      for (let n = 1 + random(3); n > 0; n--) {
        const value = odd[random(odd.length)];
        options[keys[random(keys.length)]] = value;
      }
      const name = random(4) === 0 || made >= 2000 ? names[random(names.length)] : good;
      try {
        const isServer = random(2) === 0;
        const pipe = isServer
          ? PipeHandle.serve(name as string, options as PipeServeOptions)
          : PipeHandle.open(name as string, { ...options, timeoutMs: 0 } as PipeServeOptions);
        pipe.close();
        made++;
      } catch (error) {
        const isClear = error instanceof TypeError || error instanceof RangeError ||
          error instanceof Win32Error;
        assert(isClear && error.message.length > 10, String(error));
      }
    }
    assert(made > 0);
    assertEquals(openHandles(), before);
  });
});
