/**
 * Promise 8 for sockets: an operation outlives the thread that has started it.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { NativeBuffer, Packet, SocketHandle } from "../../mod.ts";
import { Folder, isWindows, isWine, itUnless, startWorker } from "./fixture.ts";
import { fillPattern, outcomeOf, SERVER, Sockets } from "./sockets.ts";
import type { Begin } from "./workers/begin.ts";

/** More than the system keeps between the two ends of a connection. */
const MUCH = 12 * 1024 * 1024;

/** A thread starts this, and has ended when it comes back. */
async function begin(data: Begin): Promise<void> {
  await startWorker<number>("begin", data);
}

/** Takes packets until the one of the ended thread's operation comes; `each` gets the others. */
function takeUntilDone(sockets: Sockets, each: (packet: Packet) => void): Packet {
  for (;;) {
    const packet = sockets.take();
    if (packet.operation!.tag === 7) return packet;
    assertEquals(packet.error, null);
    each(packet);
  }
}

/** `end` receives all of what the ended thread's operation sends. */
function receiveMuch(sockets: Sockets, end: SocketHandle, into: NativeBuffer): void {
  let received = 0;
  const receive = () => end.receive(into.subarray(received), 1);
  receive();
  const sent = takeUntilDone(sockets, ({ bytesTransferred }) => {
    received += bytesTransferred;
    if (received < MUCH) receive();
  });
  assertEquals(outcomeOf(sent), [0, MUCH]);
  while (received < MUCH) {
    received += sockets.take().bytesTransferred;
    if (received < MUCH) receive();
  }
}

describe("operations of sockets whose thread has ended", () => {
  it("an accept goes on", async () => {
    using sockets = new Sockets();
    const into = sockets.tcp(SERVER);
    await begin({ what: "accept", socket: sockets.listener.token, into: into.token });
    const client = sockets.tcp();
    client.connect(sockets.address, 1);
    assertEquals(sockets.outcomes(2), [[1, 0, 0], [7, 0, 0]]);
    sockets.send(client, "hello");
    assertEquals(sockets.receive(into), "hello");
  });

  itUnless(
    isWindows && "a full backlog is answered otherwise",
    "a connection goes on, which nobody answers at first",
    async () => {
      using sockets = new Sockets();
      const listener = sockets.listen(0);
      const address = listener.localAddress!;
      // They fill the queue of the listener; the others wait for room.
      for (let tag = 1; tag <= 4; tag++) sockets.tcp().connect(address, tag);
      const client = sockets.tcp();
      await begin({ what: "connect", socket: client.token, address });
      for (let tag = 11; tag <= 15; tag++) listener.accept(sockets.fresh(), tag);
      const { error } = takeUntilDone(sockets, () => {});
      assertEquals([error, client.remoteAddress], [null, address]);
    },
  );

  itUnless(
    isWine &&
      "Wine has a send go on in its thread, and tells 0 bytes if that ends just when it is to",
    "a send goes on to its end",
    async () => {
      using sockets = new Sockets();
      const [server, client] = sockets.pair();
      const [from, into] = [sockets.buffer(MUCH), sockets.buffer(MUCH)];
      fillPattern(from, 5);
      await begin({ what: "send", socket: client.token, buffer: from.token });
      receiveMuch(sockets, server, into);
      assert(from.bytes.every((byte, at) => byte === into.bytes[at]));
    },
  );

  itUnless(
    isWine && "Wine sends a file by the thread that has begun it, and tells 0 bytes when that ends",
    "a file goes on to its end",
    async () => {
      using folder = new Folder();
      using sockets = new Sockets();
      const [server, client] = sockets.pair();
      const [content, into] = [sockets.buffer(MUCH), sockets.buffer(MUCH)];
      fillPattern(content, 6);
      const path = folder.file("data.bin", content.bytes);
      await begin({ what: "transmitFile", socket: server.token, path });
      receiveMuch(sockets, client, into);
      assert(content.bytes.every((byte, at) => byte === into.bytes[at]));
    },
  );

  itUnless(
    isWine && "Wine does not wait for the other end",
    "a parting goes on until the other end has closed",
    async () => {
      using sockets = new Sockets();
      const [server, client] = sockets.pair();
      await begin({ what: "disconnect", socket: server.token });
      assertEquals(sockets.port.get(0), null);
      client.close();
      assertEquals(sockets.outcomes(1), [[7, 0, 0]]);
    },
  );
});
