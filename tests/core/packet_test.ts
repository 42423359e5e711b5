import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort, FileHandle, NativeBuffer } from "../../mod.ts";
import { ledger, P_SYSTEM, readNumber } from "../../src/core/ledger.ts";
import { packetOf } from "../../src/core/packet.ts";
import { ENTRY_WORDS, system } from "../../src/system/system.ts";
import { Folder, isLinux, itUnless } from "../conformance/fixture.ts";
import { Raw } from "../conformance/raw.ts";

/** What a packet says whose operation ended with `status` and `bytes`. */
function packetWith(status: number, bytes: number, errno = 0) {
  using folder = new Folder();
  using raw = new Raw();
  using port = new CompletionPort();
  using file = FileHandle.open(folder.file("data.bin", "abc"));
  using buffer = NativeBuffer.allocate(64);
  port.associate(file, 30);
  const operation = file.read(buffer, 0, 5);
  // Taken below the core, so that the status can be another before the core sees it.
  const entries = raw.entries(1);
  const handle = readNumber(ledger().words, port.token.place + P_SYSTEM);
  assertEquals(system.getQueuedCompletionStatus(handle, entries, Infinity), 0);
  entries.words[4] = status;
  entries.words[5] = 0xCCCCCCCC;
  entries.words[6] = bytes;
  entries.words[ENTRY_WORDS - 1] = errno;
  const packet = packetOf(entries, 0);
  assertEquals([packet.key, packet.operation === operation], [30, true]);
  assertEquals([packet.bytesTransferred, port.counters.inFlight], [bytes, 0]);
  return packet;
}

describe("a packet's error", () => {
  for (const status of [0, 0x103, 0x10B, 0x10C, 0x7FFFFFFF]) {
    it(`case 30: status 0x${status.toString(16)} is a success`, () => {
      assertEquals(packetWith(status, 3).error, null);
    });
  }

  it("case 30: a warning is a failure, and its count holds", () => {
    const { error, bytesTransferred } = packetWith(0x80000005, 64);
    assertEquals([error?.code, error?.name, bytesTransferred], [234, "ERROR_MORE_DATA", 64]);
  });

  for (const [status, code] of [[0xC0000011, 38], [0xC0000120, 995], [0xC000014B, 109]]) {
    it(`case 30: status 0x${status.toString(16)} is a failure with ${code}`, () => {
      const { error } = packetWith(status, 0);
      assertEquals([error?.code, error?.call], [code, "ReadFile"]);
    });
  }

  it("case 36: only the low half of the status counts", () => {
    assertEquals(packetWith(0, 3).error, null);
  });

  it("promise 9: a status that no table knows is still an error, with a code", () => {
    const { error } = packetWith(0xCFFF1234, 0);
    assertEquals([error?.code, error?.name], [317, "ERROR_MR_MID_NOT_FOUND"]);
  });

  itUnless(
    isLinux && "Windows' own translation",
    "promise 9: a status that only the system knows has the system's code",
    () => assertEquals(packetWith(0xC000022A, 0).error?.code, 5010),
  );

  it("promise 9: the errno behind it comes along on Linux, and nowhere else", () => {
    const { error } = packetWith(0xC0000022, 0, 13);
    assertEquals([error?.code, error?.errno], [5, isLinux ? 13 : undefined]);
  });
});
