import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  IP_PKTINFO,
  IP_RECVTTL,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_HOPLIMIT,
  IPV6_PKTINFO,
  IPV6_UNICAST_HOPS,
  MSG_TRUNC,
  SOCK_DGRAM,
  SOCKADDR_BYTES,
  system,
  WSAMSG_BYTES,
} from "../../src/system/system.ts";
import { isWine, itUnless } from "./fixture.ts";
import type { Memory } from "./raw.ts";
import { AF_INET, AF_INET6, dword, RawSockets, setAddress, textIn } from "./raw-sockets.ts";

const FAMILIES = [[AF_INET, "IPv4"], [AF_INET6, "IPv6"]] as const;

/** Starts sending a datagram. */
function sendTo(raw: RawSockets, socket: number, to: Uint8Array, text: string): Memory {
  const [address, vector] = [raw.bytes(to), raw.vector([raw.bytes(text), text.length])];
  return raw.begin((ov) => system.wsaSendTo(socket, vector, 1, 0, address.address, to.length, ov));
}

/** Starts receiving a datagram; what its sender's address becomes is in `from`. */
function receiveFrom(raw: RawSockets, socket: number, into: Memory) {
  const [from, length, flags] = [raw.memory(SOCKADDR_BYTES), raw.memory(4), raw.memory(4)];
  length.words[0] = SOCKADDR_BYTES;
  const vector = raw.vector(into);
  const begun = raw.begin((ov) =>
    system.wsaRecvFrom(socket, vector, 1, flags.address, from.address, length.address, ov)
  );
  return { begun, sender: () => from.bytes.slice(0, length.words[0]) };
}

/** A WSAMSG. */
function messageOf(raw: RawSockets, name: Memory, into: Memory, control: Memory): Memory {
  const message = raw.memory(WSAMSG_BYTES);
  setAddress(message.words, 0, name.address);
  message.words[2] = name.bytes.length;
  setAddress(message.words, 4, raw.vector(into));
  message.words[6] = 1;
  message.words[8] = control.bytes.length;
  setAddress(message.words, 10, control.address);
  return message;
}

/** Receives a message of 8 bytes into 4. */
function truncated(
  raw: RawSockets,
): [outcome: [code: number, bytes: number], message: Memory, into: Memory] {
  const [a] = raw.bound(SOCK_DGRAM);
  const [b, to] = raw.bound(SOCK_DGRAM);
  const [sender, into, control] = [raw.memory(128), raw.memory(4), raw.memory(64)];
  const message = messageOf(raw, sender, into, control);
  const receiving = raw.begin((ov) => system.wsaRecvMsg(b, message.address, ov));
  const [outcome] = raw.both(receiving, sendTo(raw, a, to, "abcdefgh"));
  return [outcome, message, into];
}

describe("datagrams, contract", () => {
  for (const [family, name] of FAMILIES) {
    it(`case 18: a datagram comes with its sender's address, over ${name}`, () => {
      using raw = new RawSockets();
      const [a, from] = raw.bound(SOCK_DGRAM, family);
      const [b, to] = raw.bound(SOCK_DGRAM, family);
      const into = raw.memory(16);
      const { begun, sender } = receiveFrom(raw, b, into);
      assertEquals(raw.both(begun, sendTo(raw, a, to, "hello")), [[0, 5], [0, 5]]);
      assertEquals(textIn(into, 5), "hello");
      assertEquals(sender(), from);
    });
  }

  it("case 18: one that is there is received at once", () => {
    using raw = new RawSockets();
    const [a] = raw.bound(SOCK_DGRAM);
    const [b, to] = raw.bound(SOCK_DGRAM);
    assertEquals(raw.outcome(sendTo(raw, a, to, "there")), [0, 5]);
    assertEquals(raw.outcome(receiveFrom(raw, b, raw.memory(8)).begun), [0, 5]);
  });

  it("cases 18 and 67: one longer than the buffer: its beginning, and 234", () => {
    using raw = new RawSockets();
    const [a, from] = raw.bound(SOCK_DGRAM);
    const [b, to] = raw.bound(SOCK_DGRAM);
    for (const isThere of [false, true]) {
      const into = raw.memory(4);
      if (isThere) assertEquals(raw.outcome(sendTo(raw, a, to, "abcdefgh")), [0, 8]);
      const { begun, sender } = receiveFrom(raw, b, into);
      const outcome = isThere
        ? raw.outcome(begun)
        : raw.both(begun, sendTo(raw, a, to, "abcdefgh"))[0];
      assertEquals(outcome, [234, 4], `there: ${isThere}`);
      assertEquals(textIn(into, 4), "abcd");
      assertEquals(sender(), from);
    }
    assert(raw.isEmpty);
  });

  it("case 74: a datagram of no bytes is one", () => {
    using raw = new RawSockets();
    const [a] = raw.bound(SOCK_DGRAM);
    const [b, to] = raw.bound(SOCK_DGRAM);
    const { begun } = receiveFrom(raw, b, raw.memory(8));
    assertEquals(raw.both(begun, sendTo(raw, a, to, "")), [[0, 0], [0, 0]]);
  });

  it("case 44: two receives take the datagrams in the order they were started", () => {
    using raw = new RawSockets();
    const [a] = raw.bound(SOCK_DGRAM);
    const [b, to] = raw.bound(SOCK_DGRAM);
    const [one, two] = [raw.memory(8), raw.memory(8)];
    const [first, second] = [receiveFrom(raw, b, one), receiveFrom(raw, b, two)];
    const begun = [first.begun, second.begun].map(({ address }) => address);
    sendTo(raw, a, to, "1st");
    sendTo(raw, a, to, "2nd");
    const packets = [1, 2, 3, 4].map(() => raw.take().overlapped);
    assertEquals(packets.filter((overlapped) => begun.includes(overlapped)), begun);
    assertEquals(textIn(one, 3) + textIn(two, 3), "1st2nd");
  });

  it("one that is too long for any is refused: 10040, at once or by its packet", () => {
    using raw = new RawSockets();
    const [a] = raw.bound(SOCK_DGRAM);
    const [, to] = raw.bound(SOCK_DGRAM);
    const [address, half] = [raw.bytes(to), raw.memory(40_000)];
    const [vector, ov] = [raw.vector(half, half), raw.overlapped()];
    const code = system.wsaSendTo(a, vector, 2, 0, address.address, to.length, ov.address);
    if (code === 997) assertEquals(raw.outcome(ov), [10040, 0]);
    else assertEquals(code, 10040);
    assert(raw.isEmpty);
  });

  itUnless(
    isWine && "Wine says nothing",
    "case 74: where nobody receives, a later receive ends with 1234",
    () => {
      using raw = new RawSockets();
      const [a] = raw.bound(SOCK_DGRAM);
      const [closed, to] = raw.bound(SOCK_DGRAM);
      raw.close(closed);
      const { begun } = receiveFrom(raw, a, raw.memory(8));
      assertEquals(raw.both(begun, sendTo(raw, a, to, "x")), [[1234, 0], [0, 1]]);
    },
  );

  for (const [family, name] of FAMILIES) {
    it(`case 19: what comes with a message: where it came to, and its hop limit, over ${name}`, () => {
      using raw = new RawSockets();
      const [a, from] = raw.bound(SOCK_DGRAM, family);
      const [b, to] = raw.bound(SOCK_DGRAM, family);
      const isIPv4 = family === AF_INET;
      const level = isIPv4 ? IPPROTO_IP : IPPROTO_IPV6;
      const set = (socket: number, option: number, value: number) =>
        assertEquals(system.setSockOpt(socket, level, option, dword(value)), 0);
      set(b, isIPv4 ? IP_PKTINFO : IPV6_PKTINFO, 1);
      set(b, isIPv4 ? IP_RECVTTL : IPV6_HOPLIMIT, 1);
      set(a, isIPv4 ? IP_TTL : IPV6_UNICAST_HOPS, 17);
      const [sender, into, control] = [raw.memory(128), raw.memory(8), raw.memory(256)];
      const message = messageOf(raw, sender, into, control);
      const receiving = raw.begin((ov) => system.wsaRecvMsg(b, message.address, ov));
      assertEquals(raw.both(receiving, sendTo(raw, a, to, "news")), [[0, 4], [0, 4]]);
      assertEquals(textIn(into, 4), "news");
      assertEquals(sender.bytes.slice(0, message.words[2]), from);
      const told = system.decodeControl(family, control.bytes.slice(0, message.words[8]));
      assertEquals(told.packetInfo?.hostname, isIPv4 ? "127.0.0.1" : "::1");
      assert(told.packetInfo!.interfaceIndex > 0);
      assertEquals(told.hopLimit, 17);
    });
  }

  it("case 19: a message longer than the buffer: its beginning, and 234", () => {
    using raw = new RawSockets();
    const [outcome, , into] = truncated(raw);
    assertEquals(outcome, [234, 4]);
    assertEquals(textIn(into, 4), "abcd");
    assert(raw.isEmpty);
  });

  itUnless(
    isWine && "Wine does not set MSG_TRUNC",
    "case 19: and MSG_TRUNC is among its flags",
    () => {
      using raw = new RawSockets();
      const [, message] = truncated(raw);
      assertEquals(message.words[12] & MSG_TRUNC, MSG_TRUNC);
    },
  );

  it("case 19: a message is sent, with the address it leaves by", () => {
    using raw = new RawSockets();
    const [a] = raw.bound(SOCK_DGRAM);
    const [b, to] = raw.bound(SOCK_DGRAM);
    const leaving = { packetInfo: { hostname: "127.0.0.1", interfaceIndex: 0 } };
    const control = raw.bytes(system.encodeControl(AF_INET, leaving));
    const message = messageOf(raw, raw.bytes(to), raw.bytes("bytes"), control);
    const into = raw.memory(8);
    const { begun } = receiveFrom(raw, b, into);
    const sending = raw.begin((ov) => system.wsaSendMsg(a, message.address, 0, ov));
    assertEquals(raw.both(begun, sending), [[0, 5], [0, 5]]);
    assertEquals(textIn(into, 5), "bytes");
  });

  it("ConnectEx ties a socket to one address, and takes a first datagram", () => {
    using raw = new RawSockets();
    const [a, from] = raw.bound(SOCK_DGRAM);
    const [b, to] = raw.bound(SOCK_DGRAM);
    const [stranger] = raw.bound(SOCK_DGRAM);
    assertEquals(raw.outcome(raw.connect(a, to)), [0, 0]);
    assertEquals(raw.peerOf(a), to);
    const into = raw.memory(8);
    assertEquals(raw.outcome(raw.send(a, "one")), [0, 3]);
    assertEquals(raw.outcome(receiveFrom(raw, b, into).begun), [0, 3]);
    assertEquals(raw.outcome(raw.connect(b, from, raw.bytes("reply"))), [0, 5]);
    assertEquals(raw.outcome(raw.receive(a, into)), [0, 5]);
    // What others send does not come.
    assertEquals(raw.outcome(sendTo(raw, stranger, from, "other")), [0, 5]);
    assertEquals(raw.outcome(raw.send(b, "again!")), [0, 6]);
    assertEquals(raw.outcome(raw.receive(a, into)), [0, 6]);
    assertEquals(textIn(into, 6), "again!");
  });

  it("an interface that there is not has no index: 2", () => {
    assertEquals(system.ifNameToIndex("no-such-interface").code, 2);
  });
});
