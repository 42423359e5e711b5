import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { PipeHandle, Win32Error } from "../../mod.ts";
import { system } from "../../src/system/system.ts";
import { isWindows, isWine, itUnless } from "./fixture.ts";
import { codeOf, freshName, Pipes, SERVER } from "./pipes.ts";
import { Raw } from "./raw.ts";

const FIRST_OVERLAPPED_DUPLEX = 0x40080003;

/** An instance by the contract, associated with `port`. */
function serveRaw(raw: Raw, name: string, port: number): number {
  const made = system.createNamedPipe(
    name,
    FIRST_OVERLAPPED_DUPLEX,
    8,
    255,
    512,
    512,
    0,
    "",
    0o600,
  );
  assertEquals(made.code, 0);
  assertEquals(system.createIoCompletionPort(made.value, port, 7, 0).code, 0);
  return raw.own(made.value);
}

describe("a server and its clients", () => {
  it("section (a) 7: waiting for a client is an operation, its packet has 0 bytes", () => {
    using pipes = new Pipes();
    const server = pipes.serve();
    const operation = server.connect(5);
    assertEquals([operation.kind, operation.buffer, pipes.port.get(0)], ["connect", null, null]);
    pipes.open();
    const packet = pipes.take();
    assert(packet.operation === operation);
    assertEquals([packet.key, packet.bytesTransferred, packet.error], [SERVER, 0, null]);
    assertEquals(operation.tag, 5);
  });

  it("case 71: a client that was faster: its packet is that of a success", () => {
    using pipes = new Pipes();
    const server = pipes.serve();
    pipes.open();
    server.connect();
    assertEquals(pipes.outcome(), [0, 0]);
  });

  it("case 71: contract: 535, and no packet", () => {
    using raw = new Raw();
    const name = freshName();
    const [port, entries] = [raw.port(), raw.entries(1)];
    const pipe = serveRaw(raw, name, port);
    using _client = PipeHandle.open(name);
    for (let i = 0; i < 2; i++) {
      assertEquals(system.connectNamedPipe(pipe, raw.overlapped().address), 535);
    }
    assertEquals(system.getQueuedCompletionStatus(port, entries, 0), 258);
  });

  it("case 71: a client that has come and gone: 232", () => {
    using pipes = new Pipes();
    const server = pipes.serve();
    pipes.open().close();
    server.connect();
    assertEquals(pipes.outcome(), [232, 0]);
    server.disconnect();
    server.connect();
    pipes.open();
    assertEquals(pipes.outcome(), [0, 0]);
  });

  it("what a client has left that has gone can be read", () => {
    using pipes = new Pipes();
    const server = pipes.serve();
    const client = pipes.open();
    pipes.write(client, "testament");
    client.close();
    assertEquals(pipes.read(server, 64), "testament");
    assertEquals(pipes.read(server, 64), ["", 109]);
  });

  it("one client after the other", () => {
    using pipes = new Pipes();
    const server = pipes.serve();
    for (const text of ["one", "two", "three"]) {
      server.connect();
      const client = pipes.open();
      assertEquals(pipes.outcome(), [0, 0]);
      assertEquals(codeOf(() => pipes.open()), 231);
      pipes.write(client, text);
      assertEquals(pipes.read(server, 64), text);
      client.close();
      server.disconnect();
      assertEquals(codeOf(() => pipes.open()), 231);
    }
  });

  it("several instances wait at once; each client gets one", () => {
    using pipes = new Pipes();
    for (let tag = 1; tag <= 20; tag++) pipes.serve({ first: tag === 1 }).connect(tag);
    for (let i = 0; i < 20; i++) pipes.open();
    const packets = pipes.takeMany(20);
    for (const { error } of packets.values()) assertEquals(error, null);
    assertEquals(codeOf(() => pipes.open()), 231);
  });

  it("nothing can be read or written before a client has come: 536", () => {
    using pipes = new Pipes();
    const server = pipes.serve();
    assertEquals(pipes.read(server, 8), ["", 536]);
    server.write(pipes.buffer("early"));
    assertEquals(pipes.outcome(), [536, 0]);
  });

  it("case 72: after parting, 233", () => {
    using pipes = new Pipes();
    const [server] = pipes.pair();
    server.disconnect();
    assertEquals(pipes.read(server, 8), ["", 233]);
    server.write(pipes.buffer("late"));
    assertEquals(pipes.outcome(), [233, 0]);
    const error = assertThrows(() => server.peek(), Win32Error);
    assertEquals([error.code, error.call], [isWine ? error.code : 233, "PeekNamedPipe"]);
  });

  it("case 72: a read that is pending when the server parts: 233", () => {
    using pipes = new Pipes();
    const [server] = pipes.pair();
    for (let tag = 1; tag <= 3; tag++) server.read(pipes.buffer(8), tag);
    server.disconnect();
    for (const { error } of pipes.takeMany(3).values()) assertEquals(error?.code, 233);
  });

  it("a client that the server parts from cannot go on", () => {
    using pipes = new Pipes();
    const [server, client] = pipes.pair();
    client.read(pipes.buffer(8));
    server.disconnect();
    // Linux tells the client no more than that the other end has gone.
    assertEquals(pipes.outcome(), [isWindows ? 233 : 109, 0]);
    client.write(pipes.buffer("x"));
    assertEquals(pipes.outcome(), [isWindows ? 233 : 232, 0]);
  });

  it("what was there for one client does not reach the next", () => {
    using pipes = new Pipes();
    const server = pipes.serve({ type: "message" });
    server.connect();
    const first = pipes.open({ type: "message" });
    assertEquals(pipes.outcome(), [0, 0]);
    pipes.write(first, "a long message of the first");
    assertEquals(pipes.read(server, 6), ["a long", 234]);
    server.disconnect();
    server.connect();
    const second = pipes.open({ type: "message" });
    assertEquals(pipes.outcome(), [0, 0]);
    pipes.write(second, "second");
    assertEquals(pipes.read(server, 64), "second");
  });

  it("a client's end cannot wait for clients nor part from one", () => {
    using pipes = new Pipes();
    const [, client] = pipes.pair();
    client.connect();
    assert(pipes.outcome()[0] !== 0);
    assert(codeOf(() => client.disconnect()) !== 0);
  });

  it("a pipe without a port cannot wait: a TypeError, and nothing is started", () => {
    const name = freshName();
    using server = PipeHandle.serve(name);
    assertThrows(() => server.connect(), TypeError, "not associated");
  });

  it("case 60: a wait that is cancelled: 995; the next one goes on", () => {
    using pipes = new Pipes();
    const server = pipes.serve();
    assertEquals(server.connect().cancel(), true);
    assertEquals(pipes.outcome(), [995, 0]);
    assertEquals(server.cancel(), false);
    server.connect();
    pipes.open();
    assertEquals(pipes.outcome(), [0, 0]);
  });

  itUnless(isWine && "Wine answers 676", "case 59: a wait whose pipe is closed: 109", () => {
    using pipes = new Pipes();
    const server = pipes.serve();
    server.connect();
    server.close();
    assertEquals(pipes.outcome(), [109, 0]);
  });

  it("closed pipes: 6 from everything", () => {
    using pipes = new Pipes();
    const [server, client] = pipes.pair({ type: "message" });
    const buffer = pipes.buffer(8);
    server.close();
    client.close();
    const calls = [
      () => server.connect(),
      () => server.disconnect(),
      () => server.read(buffer),
      () => client.write(buffer),
      () => client.transact(buffer, buffer),
      () => client.peek(),
      () => server.clientProcessId(),
      () => server.clientUser(),
      () => client.serverProcessId(),
    ];
    for (const call of calls) assertEquals(codeOf(call), 6, String(call));
  });
});
