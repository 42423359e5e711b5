import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { truncateSync } from "node:fs";
import { FileHandle, type NativeBuffer, type SocketHandle } from "../../mod.ts";
import { Folder, isWindows, isWine, itUnless } from "./fixture.ts";
import { openHandles } from "./handles.ts";
import { codeOf, fillPattern, SERVER, Sockets, textOf } from "./sockets.ts";

/** More than the system keeps between two ends, and not a multiple of anything. */
const LENGTH = 9 * 1024 * 1024 + 123;

/** A file, its content, and a connection. */
class Bench extends Sockets {
  readonly folder: Folder = new Folder();
  readonly content: Uint8Array;
  readonly path: string;
  readonly file: FileHandle;

  constructor(byteLength: number) {
    super();
    this.content = new Uint8Array(byteLength).map((_, i) => i * 7 + (i >>> 10));
    this.path = this.folder.file("data.bin", this.content);
    this.file = FileHandle.open(this.path);
  }

  /** Receives so many bytes, and takes the packet tagged 1 of a transmission, which counts `count`. */
  receiveAll(socket: SocketHandle, byteLength: number, count: number = byteLength): NativeBuffer {
    const into = this.buffer(Math.max(byteLength, 1));
    let received = 0;
    let isSent = false;
    while (received < byteLength || !isSent) {
      if (received < byteLength) socket.receive(into.subarray(received, byteLength), 2);
      for (;;) {
        const { operation, error, bytesTransferred } = this.take();
        assertEquals(error, null);
        if (operation!.tag === 2) {
          assert(bytesTransferred > 0, "the other end sends no more");
          received += bytesTransferred;
          break;
        }
        assertEquals([operation!.kind, operation!.tag, bytesTransferred], [
          "transmitFile",
          1,
          count,
        ]);
        isSent = true;
        if (received === byteLength) break;
      }
    }
    return into;
  }

  /** Transmissions that have ended while something was received. */
  sent = 0;

  /** Receives so many bytes, while transmissions end. */
  receiveWithin(socket: SocketHandle, byteLength: number): NativeBuffer {
    const into = this.buffer(byteLength);
    for (let received = 0; received < byteLength;) {
      // Under Wine it comes with less.
      socket.receive(into.subarray(received), { waitAll: true }, 2);
      for (;;) {
        const { operation, error, bytesTransferred } = this.take();
        assertEquals(error, null);
        if (operation!.tag === 2) {
          assert(isWine || bytesTransferred === byteLength);
          received += bytesTransferred;
          break;
        }
        assertEquals(bytesTransferred, byteLength);
        this.sent++;
      }
    }
    return into;
  }

  override [Symbol.dispose](): void {
    this.file.close();
    super[Symbol.dispose]();
    this.folder[Symbol.dispose]();
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

describe("sending files", () => {
  it("case 15: head, file and tail come in this order, and are counted together", () => {
    using bench = new Bench(500);
    const [server, client] = bench.pair();
    const [head, tail] = [bench.buffer("head"), bench.buffer("tail")];
    server.transmitFile(bench.file, { head, tail }, 1);
    const into = bench.receiveAll(client, 508);
    assertEquals(textOf(into, 4) + textOf(into.subarray(504), 4), "headtail");
    assert(isSame(into.bytes.subarray(4, 504), bench.content));
  });

  it("case 15: a part of the file, from any offset", () => {
    using bench = new Bench(70_000);
    const [server, client] = bench.pair();
    for (const [offset, length] of [[0, 1], [1, 4095], [4095, 2], [4096, 65_000], [69_999, 1]]) {
      server.transmitFile(bench.file, { offset, byteLength: length }, 1);
      const into = bench.receiveAll(client, length);
      assert(isSame(into.bytes, bench.content.subarray(offset, offset + length)), `${offset}`);
    }
    server.transmitFile(bench.file, { offset: 60_001 }, 1);
    assert(isSame(bench.receiveAll(client, 9999).bytes, bench.content.subarray(60_001)));
  });

  it("no file, no bytes of it, nothing at all", () => {
    using bench = new Bench(100);
    const [server, client] = bench.pair();
    const [head, tail] = [bench.buffer("ab"), bench.buffer("cd")];
    server.transmitFile(null, { head, tail }, 1);
    assertEquals(textOf(bench.receiveAll(client, 4), 4), "abcd");
    server.transmitFile(bench.file, { byteLength: 0, tail }, 1);
    assertEquals(textOf(bench.receiveAll(client, 2), 2), "cd");
    server.transmitFile(null, {}, 1);
    assertEquals(bench.outcome(), [0, 0]);
  });

  it("a long file to a slow reader, closed by the program at once", () => {
    using bench = new Bench(LENGTH);
    const [server, client] = bench.pair();
    const [head, tail] = [bench.buffer("<"), bench.buffer(">")];
    server.transmitFile(bench.file, { head, tail, offset: 11 }, 1);
    bench.file.close();
    const total = LENGTH - 11 + 2;
    const into = bench.receiveAll(client, total);
    assert(isSame(into.bytes.subarray(1, total - 1), bench.content.subarray(11)));
    assertEquals(textOf(into, 1) + textOf(into.subarray(total - 1), 1), "<>");
  });

  it("a file with holes, which no memory holds", () => {
    using bench = new Bench(LENGTH);
    truncateSync(bench.path, 2 * LENGTH);
    const file = FileHandle.open(bench.path, { read: true, write: true });
    const from = bench.buffer("end");
    bench.port.associate(file, 9);
    file.write(from, 2 * LENGTH);
    assertEquals(bench.outcome(), [0, 3]);
    file.close();
    const [server, client] = bench.pair();
    server.transmitFile(bench.file, { offset: LENGTH - 100, tail: bench.buffer(">") }, 1);
    const total = 100 + LENGTH + 4;
    const into = bench.receiveAll(client, total);
    assert(isSame(into.bytes.subarray(0, 100), bench.content.subarray(LENGTH - 100)));
    assert(into.bytes.subarray(100, 100 + LENGTH).every((byte) => byte === 0));
    assertEquals(textOf(into.subarray(total - 4), 4), "end>");
  });

  it("an unbuffered file, from any offset", () => {
    using bench = new Bench(70_000);
    using file = FileHandle.open(bench.path, { unbuffered: true });
    const [server, client] = bench.pair();
    server.transmitFile(file, { offset: 5, byteLength: 60_001, tail: bench.buffer("x") }, 1);
    const into = bench.receiveAll(client, 60_002);
    assert(isSame(into.bytes.subarray(0, 60_001), bench.content.subarray(5, 60_006)));
  });

  it("a socket that has sent a file receives and sends as before", () => {
    using bench = new Bench(10);
    const [server, client] = bench.pair();
    server.transmitFile(bench.file, {}, 1);
    bench.receiveAll(client, 10);
    const into = bench.buffer(4);
    server.receive(into, 5);
    assertEquals(bench.port.get(0), null); // It waits for what is to come.
    client.send(bench.buffer("come"), 6);
    assertEquals(bench.outcomes(2), [[5, 0, 4], [6, 0, 4]]);
    server.receive([into.subarray(0, 2), into.subarray(2)], 5);
    assertEquals(bench.port.get(0), null);
    client.send(bench.buffer("more"), 6);
    assertEquals(bench.outcomes(2), [[5, 0, 4], [6, 0, 4]]);
    const long = bench.buffer(LENGTH);
    fillPattern(long);
    server.send(long, 1);
    const all = bench.receiveWithin(client, LENGTH);
    if (bench.sent === 0) assertEquals(bench.outcome(), [0, LENGTH]);
    assert(isSame(all.bytes, long.bytes));
  });

  it("many at once, each to a reader who comes late", () => {
    using bench = new Bench(3_000_001);
    const pairs = Array.from({ length: 20 }, () => bench.pair());
    for (const [server] of pairs) server.transmitFile(bench.file, {}, 1);
    for (const [, client] of pairs) {
      assert(isSame(bench.receiveWithin(client, 3_000_001).bytes, bench.content));
    }
    for (let sent = bench.sent; sent < pairs.length; sent++) {
      assertEquals(bench.outcome(), [0, 3_000_001]);
    }
  });

  it("what is sent after it comes after it", () => {
    using bench = new Bench(LENGTH);
    const [server, client] = bench.pair();
    server.transmitFile(bench.file, {}, 1);
    server.send(bench.buffer("after"), 3);
    const into = bench.buffer(LENGTH + 5);
    let received = 0;
    for (let others = 0; received < LENGTH + 5 || others < 2;) {
      if (received < LENGTH + 5) client.receive(into.subarray(received), 2);
      for (;;) {
        const { operation, error, bytesTransferred } = bench.take();
        assertEquals(error, null);
        if (operation!.tag === 2) {
          received += bytesTransferred;
          break;
        }
        if (++others === 2 && received === LENGTH + 5) break;
      }
    }
    assertEquals(textOf(into.subarray(LENGTH), 5), "after");
    assert(isSame(into.bytes.subarray(0, LENGTH), bench.content));
  });

  itUnless(
    isWine && "Wine takes no notice of TF_DISCONNECT",
    "case 15: it can part afterwards, and have a socket for the next client",
    () => {
      using bench = new Bench(1000);
      const server = bench.tcp(SERVER);
      for (let round = 0; round < 3; round++) {
        const client = bench.tcp();
        bench.listener.accept(server, 5);
        client.connect(bench.address, 6);
        assertEquals(bench.outcomes(2), [[5, 0, 0], [6, 0, 0]]);
        server.transmitFile(bench.file, { disconnect: true, reuse: true }, 1);
        const into = bench.buffer(2000);
        client.receive(into, { waitAll: true }, 2);
        assertEquals(bench.outcomes(1), [[2, 0, 1000]]);
        client.close();
        assertEquals(bench.outcomes(1), [[1, 0, 1000]]);
        assert(isSame(into.bytes.subarray(0, 1000), bench.content));
      }
    },
  );

  itUnless(
    isWindows && "Windows does not let go of a file that is being sent",
    "a file that is cut meanwhile: 38 if the length was promised, else less is sent",
    () => {
      using bench = new Bench(LENGTH);
      const [server, client] = bench.pair();
      server.transmitFile(bench.file, { byteLength: LENGTH }, 1);
      truncateSync(bench.path, 100);
      const into = bench.buffer(LENGTH);
      let code = -1;
      while (code < 0) {
        client.receive(into, 2);
        const packet = bench.take();
        if (packet.operation!.tag !== 1) continue;
        code = packet.error?.code ?? 0;
        assert(packet.bytesTransferred < LENGTH);
      }
      assertEquals(code, 38);
    },
  );

  for (const isClosed of [false, true]) {
    const what = isClosed ? "whose socket is closed" : "that is cancelled";
    itUnless(
      isWine &&
        (isClosed
          ? "Wine says 6"
          : "Wine's server passes over a transmission while its next part is with the program: 1168"),
      `one ${what} ends with 995, and leaves nothing open`,
      () => {
        using bench = new Bench(LENGTH);
        const round = () => {
          const [server, client] = bench.pair();
          const operation = server.transmitFile(bench.file, { tail: bench.buffer("x") }, 1);
          assertEquals(bench.port.get(0), null);
          if (isClosed) server.close();
          else assert(operation.cancel());
          const { error, bytesTransferred } = bench.take();
          assertEquals(error?.code, 995);
          assert(bytesTransferred < LENGTH);
          server.close();
          client.close();
        };
        round();
        const before = openHandles();
        round();
        assertEquals(openHandles(), before);
      },
    );
  }

  const unlessRefused = isWine && "Wine sends it all the same";
  itUnless(unlessRefused, "a file that was not opened for reading: 5, the connection stays", () => {
    using bench = new Bench(10);
    const [server, client] = bench.pair();
    using file = FileHandle.open(bench.path, { write: true });
    server.transmitFile(file, {}, 1);
    assertEquals(bench.outcome(), [5, 0]);
    server.transmitFile(bench.file, {}, 1);
    assert(isSame(bench.receiveAll(client, 10).bytes, bench.content));
  });

  it("what cannot be sent is refused at once", () => {
    using bench = new Bench(10);
    const [server] = bench.pair();
    assertThrows(() => server.transmitFile(bench.file, { offset: -1 }), RangeError);
    assertThrows(() => server.transmitFile(bench.file, { byteLength: 0.5 }), RangeError);
    bench.file.close();
    assertEquals(codeOf(() => server.transmitFile(bench.file)), 6);
    assertEquals(bench.port.counters.inFlight, 0);
  });
});
