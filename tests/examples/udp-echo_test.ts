import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { Buffer } from "node:buffer";
import { createSocket, type Socket } from "node:dgram";
import { main } from "../../examples/udp-echo.ts";
import { isWindows, itUnless, turn, unlessLinux, until } from "../conformance/fixture.ts";
import { chooseSeed, randomFrom } from "../conformance/random.ts";
import { type Outcome, runTool } from "./screen.ts";
import { Service } from "./service.ts";
import { pattern } from "./tool.ts";
import { untilBack, weigh } from "./weight.ts";

/** Runs the tool in this process. */
function udpTool(...args: string[]): Promise<Outcome> {
  return runTool(main, ...args);
}

/** A server at a port that was free. */
function serve(...options: string[]): Promise<Service> {
  return new Service("udp-echo", "--port", "0", ...options).ready();
}

/** A client by node:dgram. */
class Sender {
  readonly socket: Socket;
  readonly received: Buffer[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("message", (message: Buffer) => this.received.push(message));
  }

  static async open(host: string = "127.0.0.1"): Promise<Sender> {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    await new Promise<void>((resolve) => socket.bind(0, host, resolve));
    return new Sender(socket);
  }

  /** Sends a datagram until it comes back: one may be lost. */
  async ask(message: Uint8Array, port: number, host: string = "127.0.0.1"): Promise<Buffer> {
    const before = this.received.length;
    let turns = 0;
    await until(() => {
      if (turns++ % 64 === 0) this.socket.send(message, port, host);
      return this.received.length > before;
    }, "the datagram comes back");
    return this.received[before];
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }
}

describe("udp-echo", () => {
  it("sends every datagram back to where it came from", async () => {
    await using server = await serve();
    assertMatch(server.line, /^echoing at 127\.0\.0\.1:\d+$/);
    using one = await Sender.open();
    using other = await Sender.open();
    assertEquals((await one.ask(Buffer.from("one"), server.port)).toString(), "one");
    assertEquals((await other.ask(Buffer.from("other"), server.port)).toString(), "other");
    assertEquals(one.received.filter((message) => message.toString() !== "one"), []);
  });

  it("the shortest and the longest", async () => {
    await using server = await serve();
    using client = await Sender.open();
    assertEquals((await client.ask(Buffer.alloc(0), server.port)).length, 0);
    client.received.length = 0;
    const longest = pattern(65_507);
    const isSame = (message: Buffer) => Buffer.compare(message, longest) === 0;
    let turns = 0;
    await until(() => {
      if (turns++ % 64 === 0) client.socket.send(longest, server.port, "127.0.0.1");
      return client.received.some(isSame);
    }, "the datagram comes back");
  });

  it("random datagrams of any length, some from clients that are gone: no crash, no growth", async () => {
    await using server = await serve("--in-flight", "16");
    const random = randomFrom(chooseSeed("udp-echo"));
    const storm = async (datagrams: number) => {
      for (let sent = 0; sent < datagrams;) {
        const client = await Sender.open();
        for (let i = 0; i < 50; i++, sent++) {
          const length = random(4) === 0 ? random(65_508) : random(1_500);
          client.socket.send(pattern(length), server.port, "127.0.0.1", () => {});
        }
        await turn();
        // What is sent back to it comes to nobody.
        client[Symbol.dispose]();
      }
    };
    await storm(500);
    using client = await Sender.open();
    await client.ask(Buffer.from("before"), server.port);
    const before = weigh(server.processId);
    await storm(5_000);
    assertEquals((await client.ask(Buffer.from("after"), server.port)).toString(), "after");
    // What was sent is about twice that much.
    await untilBack(server.processId, before, 24_000_000);
    assertEquals(server.complaints, "");
  });

  itUnless(unlessLinux, "an address of IPv6", async () => {
    await using server = await serve("--host", "::1");
    using client = await Sender.open("::1");
    assertEquals((await client.ask(Buffer.from("six"), server.port, "::1")).toString(), "six");
  });

  itUnless(
    isWindows && "Windows ends a process by no signal",
    "Ctrl-C ends the server",
    async () => {
      await using server = await serve();
      assertEquals(await server.end("SIGINT"), [130, "udp-echo: interrupted by SIGINT\n"]);
    },
  );

  it("what cannot be served is one line, and status 1; a wrong command line is status 2", async () => {
    const other = await Sender.open();
    const { port } = other.socket.address();
    const { status, complained } = await udpTool("--port", String(port));
    assertEquals([status, complained.length], [1, 1]);
    assertMatch(complained[0], new RegExp(`127\\.0\\.0\\.1:${port} failed: WSAEADDRINUSE`));
    other[Symbol.dispose]();
    for (const args of [["x"], ["--port", "x"], ["--in-flight", "0"], ["--none"]]) {
      assertEquals((await udpTool(...args)).status, 2, args.join(" "));
    }
    assertEquals((await udpTool("--help")).status, 0);
  });
});
