import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import process from "node:process";
import {
  CompletionPort,
  FileHandle,
  MailslotHandle,
  type MailslotOptions,
  NativeBuffer,
  Win32Error,
} from "../../mod.ts";
import { isWine, itUnless, unlessLinux } from "./fixture.ts";

const unlessWindows: string | false = unlessLinux === false && "Linux has no mail slots";
const unlessAssociated: string | false = unlessWindows ||
  isWine && "Wine associates no mail slot: 87";

function nameOf(test: string): string {
  return `\\\\.\\mailslot\\iocp-${process.pid}-${test}`;
}

describe("mail slots", () => {
  it("what is refused before anything is made", () => {
    for (const name of ["", "a\0b"]) assertThrows(() => MailslotHandle.create(name), TypeError);
    const wrong: MailslotOptions[] = [
      { maxMessageBytes: -1 },
      { maxMessageBytes: 2 ** 32 },
      { readTimeoutMs: -1 },
      { readTimeoutMs: 2 ** 32 - 1 },
      { readTimeoutMs: NaN },
    ];
    for (const options of wrong) {
      assertThrows(() => MailslotHandle.create(nameOf("wrong"), options), RangeError);
    }
  });

  itUnless(unlessLinux, "Linux has none and says so: 50, with the name", () => {
    const error = assertThrows(() => MailslotHandle.create(nameOf("linux")), Win32Error);
    assertEquals([error.code, error.name], [50, "ERROR_NOT_SUPPORTED"]);
    assertEquals([error.call, error.subject], ["CreateMailslot", nameOf("linux")]);
  });

  itUnless(
    unlessWindows,
    "one is made, has its name for itself, and goes when it is closed",
    () => {
      const name = nameOf("name");
      const slot = MailslotHandle.create(name);
      assertEquals([slot.kind, slot.name, slot.isClosed], ["mailslot", name, false]);
      assertEquals(MailslotHandle.attach(slot.token).name, name);
      const taken = assertThrows(() => MailslotHandle.create(name), Win32Error);
      assertEquals(taken.code, 183);
      slot.close();
      MailslotHandle.create(name).close();
    },
  );

  itUnless(!isWine && "Windows associates them", "Wine associates none: 87, with the name", () => {
    using port = new CompletionPort();
    using slot = MailslotHandle.create(nameOf("wine"));
    const error = assertThrows(() => port.associate(slot, 1), Win32Error);
    assertEquals([error.code, error.subject], [87, slot.name]);
  });

  itUnless(unlessAssociated, "promise 1: a message, one packet; one that is too long: 122", () => {
    using port = new CompletionPort();
    using buffer = NativeBuffer.allocate(100);
    using slot = MailslotHandle.create(nameOf("read"));
    port.associate(slot, 8);
    const read = slot.read(buffer.subarray(0, 10), 5);
    assertEquals([read.kind, read.tag, port.get(0)], ["read", 5, null]);
    using writer = FileHandle.open(slot.name, { write: true });
    port.associate(writer, 9);
    buffer.bytes.fill(7, 50, 60);
    writer.write(buffer.subarray(50, 60), 0);
    const packets = [port.get(20_000)!, port.get(20_000)!];
    const packet = packets.find(({ key }) => key === 8)!;
    assert(packet.operation === read);
    assertEquals([packet.error, packet.bytesTransferred, buffer.bytes[9]], [null, 10, 7]);
    writer.write(buffer.subarray(50, 60), 0);
    assertEquals(port.get(20_000)?.error, null);
    slot.read(buffer.subarray(0, 9));
    assertEquals(port.get(20_000)?.error?.code, 122);
  });

  itUnless(unlessAssociated, "a read's time limit: 121", () => {
    using port = new CompletionPort();
    using buffer = NativeBuffer.allocate(100);
    using slot = MailslotHandle.create(nameOf("time"), { readTimeoutMs: 10 });
    port.associate(slot, 8);
    slot.read(buffer);
    assertEquals(port.get(20_000)?.error?.code, 121);
  });

  itUnless(unlessAssociated, "case 59: closing ends a pending read", () => {
    using port = new CompletionPort();
    using buffer = NativeBuffer.allocate(100);
    const slot = MailslotHandle.create(nameOf("close"));
    port.associate(slot, 8);
    const read = slot.read(buffer);
    slot.close();
    const packet = port.get(20_000)!;
    assert(packet.operation === read && packet.error !== null);
  });
});
