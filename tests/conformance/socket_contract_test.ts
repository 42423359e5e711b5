import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  SD_SEND,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  system,
  TF_DISCONNECT,
  TF_REUSE_SOCKET,
} from "../../src/system/system.ts";
import { Folder, GARBAGE_HANDLES, isWine, itUnless } from "./fixture.ts";
import { openHandles } from "./handles.ts";
import { AF_INET, AF_INET6, bytesOf, loopback, portIn, RawSockets, textIn } from "./raw-sockets.ts";

describe("sockets, contract", () => {
  for (const [family, name] of [[AF_INET, "IPv4"], [AF_INET6, "IPv6"]] as const) {
    it(`cases 12 and 13: AcceptEx and ConnectEx connect two sockets, over ${name}`, () => {
      using raw = new RawSockets();
      const [server, client] = raw.pair(family);
      assertEquals(raw.peerOf(server), raw.nameOf(client));
      assertEquals(raw.peerOf(client), raw.nameOf(server));
    });
  }

  it("case 12: a client that has come already is accepted at once", () => {
    using raw = new RawSockets();
    const [listener, address] = raw.listener();
    const [server, client] = [raw.socket(), raw.socket()];
    assertEquals(raw.outcome(raw.connect(client, address)), [0, 0]);
    const [accepting] = raw.accept(listener, server);
    assertEquals(raw.outcome(accepting), [0, 0]);
  });

  it("case 12: with room for data the packet comes with the first of them", () => {
    using raw = new RawSockets();
    const [listener, address] = raw.listener();
    const [server, client] = [raw.socket(), raw.socket()];
    const [accepting, room] = raw.accept(listener, server, 16);
    assertEquals(raw.outcome(raw.connect(client, address)), [0, 0]);
    assert(raw.isEmpty);
    const sending = raw.send(client, "hello");
    assertEquals(raw.both(sending, accepting), [[0, 5], [0, 5]]);
    assertEquals(textIn(room, 5), "hello");
  });

  it("case 13: the first data go with ConnectEx, and are counted", () => {
    using raw = new RawSockets();
    const [listener, address] = raw.listener();
    const [server, client] = [raw.socket(), raw.socket()];
    const [accepting] = raw.accept(listener, server);
    const connecting = raw.connect(client, address, raw.bytes("first"));
    assertEquals(raw.both(accepting, connecting), [[0, 0], [0, 5]]);
    raw.update(server, client, listener);
    const into = raw.memory(8);
    assertEquals(raw.outcome(raw.receive(server, into)), [0, 5]);
    assertEquals(textIn(into, 5), "first");
  });

  it("case 13: where nobody listens the packet says 1225", () => {
    using raw = new RawSockets();
    const [bound, address] = raw.bound(SOCK_STREAM);
    raw.close(bound);
    assertEquals(raw.outcome(raw.connect(raw.socket(), address)), [1225, 0]);
  });

  it("case 13: a socket that is connected is not connected again: 10056", () => {
    using raw = new RawSockets();
    const [server, client] = raw.pair();
    const to = raw.bytes(raw.nameOf(server));
    const overlapped = raw.overlapped();
    assertEquals(system.connectEx(client, to.address, 16, 0, 0, overlapped.address), 10056);
    assert(raw.isEmpty);
  });

  it("case 14: DisconnectEx with reuse makes a socket that can be accepted into again", () => {
    using raw = new RawSockets();
    const [listener, address] = raw.listener();
    const server = raw.socket();
    for (let round = 0; round < 3; round++) {
      const client = raw.socket();
      const [accepting] = raw.accept(listener, server);
      const connecting = raw.connect(client, address);
      assertEquals(raw.both(accepting, connecting), [[0, 0], [0, 0]]);
      raw.update(server, client, listener);
      const reading = raw.receive(client, raw.memory(4));
      const parting = raw.begin((ov) => system.disconnectEx(server, TF_REUSE_SOCKET, ov));
      // The server may wait for the client to part as well, or not.
      const first = raw.take();
      const isParted = first.overlapped === parting.address;
      const ended = isParted ? raw.take() : first;
      assertEquals([ended.overlapped, ended.code, ended.bytes], [reading.address, 0, 0]);
      raw.close(client);
      const parted = isParted ? first : raw.take();
      assertEquals([parted.overlapped, parted.code, parted.bytes], [parting.address, 0, 0]);
    }
  });

  itUnless(
    isWine && "Wine takes a used socket for one that is connected",
    "case 14: DisconnectEx with reuse makes a socket that can be connected again",
    () => {
      using raw = new RawSockets();
      const [listener, address] = raw.listener();
      const client = raw.socket();
      for (let round = 0; round < 3; round++) {
        const server = raw.socket();
        const [accepting] = raw.accept(listener, server);
        assertEquals(raw.both(accepting, raw.connect(client, address)), [[0, 0], [0, 0]]);
        raw.update(server, client, listener);
        // The server parts first: who does cannot have the same two addresses again for a while.
        const into = raw.memory(4);
        assertEquals(system.shutdown(server, SD_SEND), 0);
        assertEquals(raw.outcome(raw.receive(client, into)), [0, 0]);
        const parting = raw.begin((ov) => system.disconnectEx(client, TF_REUSE_SOCKET, ov));
        assertEquals(raw.outcome(parting), [0, 0]);
        raw.close(server);
      }
    },
  );

  it("case 14: what is not connected cannot be disconnected: 10057", () => {
    using raw = new RawSockets();
    const overlapped = raw.overlapped();
    assertEquals(system.disconnectEx(raw.socket(), 0, overlapped.address), 10057);
    assert(raw.isEmpty);
  });

  it("case 15: TransmitFile sends head, file and tail, and counts them together", () => {
    using folder = new Folder();
    using raw = new RawSockets();
    const [server, client] = raw.pair();
    const content = bytesOf(500).map((_, i) => i);
    const file = raw.file(folder.file("data.bin", content));
    const [head, tail] = [raw.bytes("head"), raw.bytes("tail")];
    const sent = raw.run((ov) =>
      system.transmitFile(server, file, 0, head.address, 4, tail.address, 4, 0, ov)
    );
    assertEquals(sent, [0, 508]);
    const into = raw.memory(600);
    let received = 0;
    while (received < 508) {
      const rest = {
        ...into,
        address: into.address + received,
        bytes: into.bytes.subarray(received),
      };
      const [code, bytes] = raw.outcome(raw.receive(client, rest));
      assertEquals(code, 0);
      received += bytes;
    }
    assertEquals(textIn(into, 4), "head");
    assertEquals(into.bytes.slice(4, 504), content);
    assertEquals(new TextDecoder().decode(into.bytes.slice(504, 508)), "tail");
  });

  it("case 15: a part of the file, and no file", () => {
    using folder = new Folder();
    using raw = new RawSockets();
    const [server, client] = raw.pair();
    const file = raw.file(folder.file("data.bin", "0123456789"));
    const overlapped = raw.overlapped(3);
    assertEquals(system.transmitFile(server, file, 4, 0, 0, 0, 0, 0, overlapped.address), 997);
    assertEquals(raw.outcome(overlapped), [0, 4]);
    const into = raw.memory(16);
    assertEquals(raw.outcome(raw.receive(client, into)), [0, 4]);
    assertEquals(textIn(into, 4), "3456");
    const tail = raw.bytes("only");
    const sent = raw.run((ov) => system.transmitFile(server, 0, 0, 0, 0, tail.address, 4, 0, ov));
    assertEquals(sent, [0, 4]);
    assertEquals(raw.outcome(raw.receive(client, into)), [0, 4]);
    assertEquals(textIn(into, 4), "only");
  });

  itUnless(
    isWine && "Wine ignores TF_DISCONNECT",
    "case 15: TransmitFile parts with the other end afterwards, and the socket is used again",
    () => {
      using raw = new RawSockets();
      const [listener, address] = raw.listener();
      const server = raw.socket();
      for (let round = 0; round < 2; round++) {
        const client = raw.socket();
        const [accepting] = raw.accept(listener, server);
        const connecting = raw.connect(client, address);
        assertEquals(raw.both(accepting, connecting), [[0, 0], [0, 0]]);
        raw.update(server, client, listener);
        const [head, into] = [raw.bytes("last"), raw.memory(16)];
        const flags = TF_DISCONNECT | TF_REUSE_SOCKET;
        const sending = raw.begin((ov) =>
          system.transmitFile(server, 0, 0, head.address, 4, 0, 0, flags, ov)
        );
        const receiving = raw.receive(client, into);
        // Which comes first is open: the sender's packet may wait for the client to part too.
        const first = raw.take();
        if (first.overlapped === sending.address) assertEquals([first.code, first.bytes], [0, 4]);
        const last = first.overlapped === receiving.address ? first : raw.take();
        assertEquals([last.overlapped, last.code, last.bytes], [receiving.address, 0, 4]);
        const rest = raw.receive(client, into);
        const second = raw.take();
        const ended = second.overlapped === rest.address ? second : raw.take();
        assertEquals([ended.overlapped, ended.code, ended.bytes], [rest.address, 0, 0]);
        raw.close(client);
        const isOver = [first, second].some(({ overlapped }) => overlapped === sending.address);
        if (!isOver) assertEquals(raw.outcome(sending), [0, 4]);
      }
    },
  );

  it("an address in use is not bound twice: 10048", () => {
    using raw = new RawSockets();
    const [, address] = raw.listener();
    assertEquals(system.bind(raw.socket(), address), 10048);
  });

  it("an address that is none of this computer's is not bound: 10049", () => {
    using raw = new RawSockets();
    const address = loopback(0);
    address.set([192, 0, 2, 1], 4);
    assertEquals(system.bind(raw.socket(), address), 10049);
  });

  it("a number that is no handle is refused with 6 by every function", () => {
    using raw = new RawSockets();
    const { address, bytes } = raw.memory(1024);
    const ov = raw.overlapped().address;
    for (const handle of GARBAGE_HANDLES) {
      assertEquals(everyFunction(handle, address, ov, bytes), {}, String(handle));
    }
    const closed = raw.closed(() => raw.loose());
    assertEquals(everyFunction(closed, address, ov, bytes), {}, "a closed socket");
    assert(raw.isEmpty);
  });

  itUnless(
    isWine && "Wine asks the file for it",
    "a handle that is no socket is refused with 10038 by every function",
    () => {
      using folder = new Folder();
      using raw = new RawSockets();
      const { address, bytes } = raw.memory(1024);
      const file = raw.associated(folder.file("data.bin", "abc"), raw.onPort, 1);
      const ov = raw.overlapped().address;
      assertEquals(everyFunction(file, address, ov, bytes, 10038), {});
      assert(raw.isEmpty);
    },
  );

  it("case 59: a listener closed with 100 accepts pending: 995 for each, and no handle is left", () => {
    // The first sockets of a process take handles that stay.
    {
      using raw = new RawSockets();
      raw.pair();
    }
    const before = openHandles();
    {
      using raw = new RawSockets();
      const [listener] = raw.listener();
      const begun = Array.from({ length: 100 }, () => raw.accept(listener, raw.socket())[0]);
      raw.close(listener);
      const packets = begun.map(() => raw.take());
      assertEquals(
        new Set(packets.map(({ overlapped }) => overlapped)),
        new Set(begun.map(({ address }) => address)),
      );
      assertEquals(packets.filter(({ code }) => code !== 995), []);
      assert(raw.isEmpty);
    }
    assertEquals(openHandles(), before);
  });

  it("a socket is closed for good, and its number is another's afterwards", () => {
    using folder = new Folder();
    using raw = new RawSockets();
    const path = folder.file("data.bin", "abc");
    for (let round = 0; round < 50; round++) {
      const { value: socket } = system.wsaSocket(AF_INET, SOCK_STREAM, 0);
      assertEquals(system.closeHandle(socket), 0);
      const file = system.createFile(path, 0x80000000, 7, 3, 0x40000000, 0);
      assertEquals(system.getFileSizeEx(file.value).value, 3);
      assertEquals(system.closeHandle(file.value), 0);
    }
    assertEquals(system.closeHandle(raw.closed(() => raw.loose())), 6);
    assert(raw.isEmpty);
  });

  it("ports are told in the order of the network", () => {
    using raw = new RawSockets();
    const [, address] = raw.bound(SOCK_DGRAM);
    assert(portIn(address) > 1023);
    assertEquals(address.slice(0, 2), new Uint8Array([2, 0]));
    assertEquals(address.slice(4, 8), new Uint8Array([127, 0, 0, 1]));
  });
});

/** Which functions of sockets do not answer `expected` for `handle`, and what they do. */
function everyFunction(
  handle: number,
  at: number,
  overlapped: number,
  native: Uint8Array<ArrayBuffer>,
  expected: number = 6,
): Record<string, number> {
  native.fill(0);
  const bytes = loopback(0);
  const s = system;
  const answers: Record<string, number> = {
    bind: s.bind(handle, bytes),
    listen: s.listen(handle, 1),
    shutdown: s.shutdown(handle, 1),
    getSockName: s.getSockName(handle, bytesOf(128)).code,
    getPeerName: s.getPeerName(handle, bytesOf(128)).code,
    setSockOpt: s.setSockOpt(handle, SOL_SOCKET, 8, bytesOf(4)),
    getSockOpt: s.getSockOpt(handle, SOL_SOCKET, 8, bytesOf(4)).code,
    acceptEx: s.acceptEx(handle, handle, at, 0, 144, 144, overlapped),
    connectEx: s.connectEx(handle, at, 16, 0, 0, overlapped),
    disconnectEx: s.disconnectEx(handle, 0, overlapped),
    wsaSend: s.wsaSend(handle, at, 1, 0, overlapped),
    wsaRecv: s.wsaRecv(handle, at, 1, at + 512, overlapped),
    wsaSendTo: s.wsaSendTo(handle, at, 1, 0, at + 64, 16, overlapped),
    wsaRecvFrom: s.wsaRecvFrom(handle, at, 1, at + 512, at + 64, at + 516, overlapped),
    wsaSendMsg: s.wsaSendMsg(handle, at, 0, overlapped),
    wsaRecvMsg: s.wsaRecvMsg(handle, at, overlapped),
    transmitFile: s.transmitFile(handle, 0, 0, 0, 0, 0, 0, 0, overlapped),
  };
  return Object.fromEntries(Object.entries(answers).filter(([, code]) => code !== expected));
}
