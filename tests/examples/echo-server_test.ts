import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { Buffer } from "node:buffer";
import { createServer } from "node:net";
import { main } from "../../examples/echo-server.ts";
import { isWindows, itUnless, unlessLinux, until } from "../conformance/fixture.ts";
import { chooseSeed, randomFrom } from "../conformance/random.ts";
import { Client } from "./client.ts";
import { type Outcome, runTool } from "./screen.ts";
import { Service } from "./service.ts";
import { pattern } from "./tool.ts";
import { untilBack, weigh } from "./weight.ts";

/** Runs the tool in this process. */
function echoTool(...args: string[]): Promise<Outcome> {
  return runTool(main, ...args);
}

/** A server at a port that was free. */
function serve(...options: string[]): Promise<Service> {
  return new Service("echo-server", "--port", "0", ...options).ready();
}

describe("echo-server", () => {
  it("sends back what comes, of each to each", async () => {
    await using server = await serve();
    assertMatch(server.line, /^echoing at 127\.0\.0\.1:\d+$/);
    using one = await Client.to(server.port);
    using other = await Client.to(server.port);
    one.send("one");
    other.send("other");
    assertEquals((await one.take(3)).toString(), "one");
    assertEquals((await other.take(5)).toString(), "other");
  });

  it("more than any buffer holds comes back whole, and then the end", async () => {
    await using server = await serve("--bytes", "1000");
    using client = await Client.to(server.port);
    const bytes = pattern(3_000_000);
    client.send(bytes);
    client.end();
    assertEquals(Buffer.compare(await client.rest(), bytes), 0);
  });

  it("a client that does not read stops being read, and gets all when it does", async () => {
    await using server = await serve();
    using client = await Client.to(server.port);
    client.socket.pause();
    const bytes = pattern(20_000_000);
    client.send(bytes);
    using other = await Client.to(server.port);
    other.send("meanwhile");
    assertEquals((await other.take(9)).toString(), "meanwhile");
    client.socket.resume();
    client.end();
    assertEquals(Buffer.compare(await client.rest(), bytes), 0);
  });

  it("further clients than there are places for wait for their turn", async () => {
    await using server = await serve("--clients", "2");
    const first = [await Client.to(server.port), await Client.to(server.port)];
    for (const client of first) {
      client.send("x");
      await client.take(1);
    }
    using third = await Client.to(server.port);
    third.send("third");
    first[0].end();
    assertEquals((await third.take(5)).toString(), "third");
    for (const client of first) client[Symbol.dispose]();
  });

  it("clients that come, send and go at random", async () => {
    await using server = await serve("--clients", "40");
    const random = randomFrom(chooseSeed("echo-server"));
    const visit = async () => {
      for (let visits = 0; visits < 8; visits++) {
        using client = await Client.to(server.port);
        const bytes = pattern(1 + random(50_000));
        client.send(bytes);
        const isShort = random(3) === 0;
        // Some go in the midst of it, by a reset.
        if (isShort) await client.take(random(bytes.length));
        else assertEquals(Buffer.compare(await client.take(bytes.length), bytes), 0);
        if (isShort) client.socket.resetAndDestroy?.();
      }
    };
    const before = weigh(server.processId);
    await Promise.all(Array.from({ length: 20 }, visit));
    await untilBack(server.processId, before, 64_000_000);
    assertEquals(server.complaints, "");
  });

  itUnless(
    isWindows && "Windows ends a process by no signal",
    "Ctrl-C parts with all clients and ends the server",
    async () => {
      await using server = await serve();
      using client = await Client.to(server.port);
      client.send("x");
      await client.take(1);
      assertEquals(await server.end("SIGINT"), [130, "echo-server: interrupted by SIGINT\n"]);
      await until(() => client.hasEnded, "the connection ends");
    },
  );

  itUnless(unlessLinux, "an address of IPv6, and one given by its name", async () => {
    await using server = await serve("--host", "::1");
    assertMatch(server.line, /^echoing at \[::1\]:\d+$/);
    using client = await Client.to(server.port, "::1");
    client.send("six");
    assertEquals((await client.take(3)).toString(), "six");
    await using named = await serve("--host", "localhost");
    assertMatch(named.line, /^echoing at (127\.0\.0\.1|\[::1\]):\d+$/);
  });

  it("an address that cannot be had is one line, with the address, and status 1", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const { status, printed, complained } = await echoTool("--port", String(port));
    assertEquals([status, printed, complained.length], [1, [], 1]);
    assertMatch(complained[0], new RegExp(`127\\.0\\.0\\.1:${port} failed: WSAEADDRINUSE`));
    await new Promise((resolve) => other.close(resolve));
    const unknown = await echoTool("--host", "no.such.host.invalid");
    assertEquals([unknown.status, unknown.complained.length], [1, 1]);
  });

  it("a command line that is wrong: what is wrong, status 2", async () => {
    for (
      const [args, words] of [
        [["x"], /nothing to do with 'x'/],
        [["--port", "65536"], /--port takes a number from 0 to 65535/],
        [["--port", "1e3"], /--port/],
        [["--host", ""], /--host/],
        [["--threads", "0"], /--threads/],
        [["--clients", "0"], /--clients/],
        [["--bytes", "0"], /--bytes/],
        [["--none"], /--none/],
      ] as const
    ) {
      const { status, printed, complained } = await echoTool(...args);
      assertEquals([status, printed], [2, []], args.join(" "));
      assertMatch(complained[0], words);
    }
    const { status, printed } = await echoTool("--help");
    assertEquals([status, printed[0]], [0, "Usage: echo-server [options]"]);
  });
});
