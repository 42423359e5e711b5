import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { FileHandle, Win32Error } from "../../mod.ts";
import { AF_INET, SOCK_STREAM, system } from "../../src/system/system.ts";
import { Folder, isLinux, itUnless } from "../conformance/fixture.ts";
import { Raw } from "../conformance/raw.ts";

/** How often each failure is asked for; enough for the runtime to compile what it calls. */
const ROUNDS = 3000;

/** Work that makes the runtime collect garbage and compile, which make system calls of their own. */
function disturb(round: number): number {
  const garbage: unknown[] = [];
  for (let i = 0; i < 200; i++) {
    garbage.push({ i, text: `text ${round} ${i}`, more: new Array(20).fill(i) });
  }
  if (round % 50 === 0) garbage.push(new ArrayBuffer(4_000_000));
  // A function never seen before, called until it is worth compiling.
  const fresh = new Function(
    "n",
    `let sum = ${round}; for (let i = 0; i < n; i++) sum += i; return sum`,
  );
  return fresh(round % 100 === 0 ? 100_000 : 100) + garbage.length;
}

/** Fails in the ways there are, one after the other; each must be told its own reason. */
function failures(raw: Raw, folder: Folder): [expected: number, call: () => number][] {
  const path = folder.file("data.bin", "abc");
  const port = raw.port();
  const file = raw.associated(path, port, 1);
  const readOnly = raw.file(path, { access: 0x80000000 });
  system.createIoCompletionPort(readOnly, port, 2, 0);
  const [{ address }, overlapped, entries] = [raw.memory(64), raw.overlapped(), raw.entries(1)];
  const socket = raw.own(system.wsaSocket(AF_INET, SOCK_STREAM, 0).value);
  system.createIoCompletionPort(socket, port, 3, 0);
  const open = (name: string, disposition: number) =>
    system.createFile(name, 0x80000000, 7, disposition, 0x40000000, 0).code;
  return [
    [6, () => system.closeHandle(123456)],
    [2, () => open(folder.path("missing"), 3)],
    [87, () => system.createIoCompletionPort(file, port, 1, 0).code],
    [3, () => open(folder.path("missing/data.bin"), 3)],
    [1168, () => system.cancelIoEx(file, overlapped.address)],
    [80, () => open(path, 1)],
    [5, () => system.writeFile(readOnly, address, 8, overlapped.address)],
    [258, () => system.getQueuedCompletionStatus(port, entries, 0)],
    [6, () => system.getFileSizeEx(123456).code],
    // By the address of the function, and by its name.
    [10057, () => system.disconnectEx(socket, 0, overlapped.address)],
    [10057, () => system.shutdown(socket, 1)],
    [6, () => system.listen(123456, 1)],
  ];
}

describe("promise 9: the code is the one the failing call has set", () => {
  it("whatever the runtime does between calls", () => {
    using folder = new Folder();
    using raw = new Raw();
    const calls = failures(raw, folder);
    const wrong: string[] = [];
    let sum = 0;
    for (let round = 0; round < ROUNDS; round++) {
      sum += disturb(round);
      const [expected, call] = calls[round % calls.length];
      const code = call();
      if (code !== expected) wrong.push(`round ${round}: ${code} for ${expected}`);
    }
    assertEquals(wrong, []);
    assertEquals(Number.isFinite(sum), true);
  });

  it("one right after the other, as fast as they go", () => {
    using folder = new Folder();
    using raw = new Raw();
    const calls = failures(raw, folder);
    const wrong: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const [expected, call] of calls) {
        const code = call();
        if (code !== expected) wrong.push(`round ${round}: ${code} for ${expected}`);
      }
    }
    assertEquals(wrong, []);
  });

  itUnless(!isLinux && "errno is Linux's", "and so is the errno, whatever the runtime does", () => {
    using folder = new Folder();
    const [present, folderName] = [folder.file("data.bin"), folder.path(".")];
    const attempts: [errno: number, open: () => unknown][] = [
      [2, () => FileHandle.open(folder.path("missing"))],
      [17, () => FileHandle.open(present, { write: true, createNew: true })],
      [20, () => FileHandle.open(`${present}/below`)],
      [36, () => FileHandle.open(folder.path("x".repeat(300)))],
      [21, () => FileHandle.open(folderName, { write: true })],
    ];
    const wrong: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      disturb(round);
      const [expected, open] = attempts[round % attempts.length];
      try {
        open();
        wrong.push(`round ${round}: no error`);
      } catch (error) {
        const errno = error instanceof Win32Error ? error.errno : error;
        if (errno !== expected) wrong.push(`round ${round}: ${errno} for ${expected}`);
      }
    }
    assertEquals(wrong, []);
  });
});
