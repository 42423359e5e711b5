import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type PortState, system } from "../../src/system/system.ts";
import { Folder, GARBAGE_HANDLES, isWine, itUnless } from "./fixture.ts";
import { Raw } from "./raw.ts";

/** Each function of the contract that takes a file, with arguments that are right otherwise. */
function fileCalls(raw: Raw, port: number): Record<string, (file: number) => number> {
  const [{ address }, overlapped] = [raw.memory(64), raw.overlapped()];
  return {
    readFile: (file) => system.readFile(file, address, 16, overlapped.address),
    writeFile: (file) => system.writeFile(file, address, 16, overlapped.address),
    getFileSizeEx: (file) => system.getFileSizeEx(file).code,
    getFileInformationByHandle: (file) =>
      system.getFileInformationByHandle(file, { size: 0, mode: 0, accessedMs: 0, modifiedMs: 0 })
        .code,
    setFileInformationByHandle: (file) =>
      system.setFileInformationByHandle(file, { modifiedMs: 0 }).code,
    setEndOfFile: (file) => system.setEndOfFile(file, 0).code,
    flushFileBuffers: (file) => system.flushFileBuffers(file).code,
    associate: (file) => system.createIoCompletionPort(file, port, 1, 0).code,
  };
}

function cancelCalls(raw: Raw): Record<string, (file: number) => number> {
  const overlapped = raw.overlapped();
  return {
    "cancelIoEx of one": (file) => system.cancelIoEx(file, overlapped.address),
    "cancelIoEx of all": (file) => system.cancelIoEx(file, 0),
  };
}

/** Each function of the contract that takes a port. */
function portCalls(raw: Raw, file: number): Record<string, (port: number) => number> {
  const entries = raw.entries(2);
  const state: PortState = { queued: 0, active: null, waiting: null, posted: null, taken: null };
  return {
    post: (port) => system.postQueuedCompletionStatus(port, 1, 1, 1),
    get: (port) => system.getQueuedCompletionStatus(port, entries, Infinity),
    getMany: (port) => system.getQueuedCompletionStatusEx(port, entries, 2, Infinity),
    query: (port) => system.queryIoCompletion(port, state),
    // 0 is no garbage there: it asks for a new port (case 8).
    associate: (port) => port === 0 ? 6 : system.createIoCompletionPort(file, port, 1, 0).code,
  };
}

describe("handles that are none", () => {
  for (const garbage of GARBAGE_HANDLES) {
    it(`contract: ${garbage} as a file or a port: 6 from every function`, () => {
      using folder = new Folder();
      using raw = new Raw();
      const port = raw.port();
      const file = raw.file(folder.file("data.bin", "abc"));
      const calls = { ...fileCalls(raw, port), ...cancelCalls(raw) };
      for (const [name, call] of Object.entries(calls)) {
        // Without a file, associating with a port is case 2.
        const expected = name === "associate" && garbage === -1 ? 87 : 6;
        assertEquals(call(garbage), expected, name);
      }
      for (const [name, call] of Object.entries(portCalls(raw, file))) {
        assertEquals(call(garbage), 6, name);
      }
      assertEquals(system.closeHandle(garbage), 6, "close");
    });
  }

  it("contract: a closed handle: 6 from every function", () => {
    using folder = new Folder();
    using raw = new Raw();
    const port = raw.port();
    const path = folder.file("data.bin", "abc");
    const file = raw.file(path);
    const ofFile = { ...fileCalls(raw, port), ...cancelCalls(raw) };
    const ofPort = portCalls(raw, file);
    for (const open of [() => raw.file(path), () => raw.port()]) {
      const closed = raw.closed(open);
      for (const [name, call] of Object.entries(ofFile)) assertEquals(call(closed), 6, name);
      for (const [name, call] of Object.entries(ofPort)) assertEquals(call(closed), 6, name);
      assertEquals(system.closeHandle(closed), 6, "close");
    }
  });

  it("contract: a port where a file is needed, and a file where a port is: 6", () => {
    using folder = new Folder();
    using raw = new Raw();
    const [port, other] = [raw.port(), raw.port()];
    const path = folder.file("data.bin", "abc");
    const [file, plain] = [raw.file(path), raw.associated(path, port, 1)];
    for (const [name, call] of Object.entries(fileCalls(raw, port))) {
      assertEquals(call(other), 6, name);
    }
    for (const [name, call] of Object.entries(portCalls(raw, file))) {
      assertEquals(call(plain), 6, name);
    }
    assertEquals(system.getFileSizeEx(file).value, 3);
    assertEquals(system.postQueuedCompletionStatus(other, 0, 1, 0), 0);
  });

  itUnless(
    isWine && "Wine cancels on any kind of handle: 1168",
    "contract: a port where a file is needed, in cancelling: 6",
    () => {
      using raw = new Raw();
      const port = raw.port();
      for (const [name, call] of Object.entries(cancelCalls(raw))) {
        assertEquals(call(port), 6, name);
      }
    },
  );
});
