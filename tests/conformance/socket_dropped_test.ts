import { assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { closeSync, openSync, readdirSync } from "node:fs";
import { CompletionPort, NativeBuffer, SocketHandle } from "../../mod.ts";
import { Datagrams } from "./datagrams.ts";
import { Folder, itUnless, unlessLinux, until } from "./fixture.ts";

const DATAGRAM = { type: "datagram" } as const;

function openCount(): number {
  return readdirSync("/proc/self/fd").length;
}

describe("a message that nobody takes", () => {
  for (const isClosedFirst of [false, true]) {
    const when = isClosedFirst ? "comes when its port is closed" : "is queued on a port";
    itUnless(unlessLinux, `and that ${when}: its descriptors are closed`, async () => {
      using folder = new Folder();
      using port = new Datagrams();
      const fd = openSync("/dev/null", "r");
      const sender = port.unix(DATAGRAM);
      const address = { path: folder.path("receiver") };
      const before = openCount();
      const other = new CompletionPort();
      const receiver = SocketHandle.unix(DATAGRAM);
      const data = NativeBuffer.allocate(64);
      other.associate(receiver, 1);
      receiver.bind(address);
      receiver.receiveMessage({ data });
      if (isClosedFirst) other.close();
      sender.sendMessage({ data: port.buffer("x"), address, control: { descriptors: [fd, fd] } });
      assertEquals(port.outcome(), [0, 1]);
      if (!isClosedFirst) await until(() => other.counters.queued === 1, "the message is there");
      other.close();
      receiver.close();
      data.free();
      await until(() => {
        new CompletionPort().close(); // Looks after what closed ports have left.
        return openCount() <= before;
      }, () => `${openCount()} are open, not ${before}`);
      closeSync(fd);
    });
  }
});
