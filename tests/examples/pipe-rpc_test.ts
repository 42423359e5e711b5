import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { main } from "../../examples/pipe-rpc.ts";
import { answerTo } from "../../examples/pipe-rpc/messages.ts";
import { isWindows, itUnless } from "../conformance/fixture.ts";
import { freshName, Pipes } from "../conformance/pipes.ts";
import { chooseSeed, randomFrom } from "../conformance/random.ts";
import { type Outcome, runTool } from "./screen.ts";
import { Service } from "./service.ts";

/** Runs the tool in this process. */
function rpcTool(...args: string[]): Promise<Outcome> {
  return runTool(main, ...args);
}

/** A server in a process of its own. */
class Server extends Service {
  readonly name: string;

  constructor(...options: string[]) {
    const name = freshName();
    super("pipe-rpc", "serve", "--pipe", name, ...options);
    this.name = name;
  }

  /** What the tool says when it calls this server. */
  call(...args: string[]): Promise<Outcome> {
    return rpcTool("call", "--pipe", this.name, ...args);
  }
}

describe("pipe-rpc", () => {
  it("calls: the result is printed as JSON", async () => {
    const server = await new Server().ready();
    assertEquals(await server.call("sum", "1", "2", "3.5"), {
      status: 0,
      printed: ["6.5"],
      complained: [],
    });
    assertEquals((await server.call("upper", '"straße"')).printed, ['"STRASSE"']);
    assertEquals((await server.call("echo")).printed, ["[]"]);
    await server.end("SIGKILL");
  });

  it("a call and an answer longer than any buffer", async () => {
    const server = await new Server().ready();
    const text = JSON.stringify("x".repeat(300_000));
    assertEquals((await server.call("echo", text)).printed, [`[${text}]`]);
    await server.end("SIGKILL");
  });

  it("what the server cannot do is one line, and status 1", async () => {
    const server = await new Server().ready();
    for (const args of [["none"], ["sum", '"x"'], ["upper"], ["toString"]]) {
      const { status, printed, complained } = await server.call(...args);
      assertEquals([status, printed, complained.length], [1, [], 1], args.join(" "));
    }
    assertEquals((await server.call("sum", "1")).status, 0);
    await server.end("SIGKILL");
  });

  it("more clients than instances: each waits for its turn", async () => {
    const server = await new Server("--instances", "1").ready();
    for (let i = 0; i < 5; i++) {
      assertEquals((await server.call("sum", String(i), "1")).printed, [String(i + 1)]);
    }
    await server.end("SIGKILL");
  });

  it("a server that others have: one line, and status 1", async () => {
    using pipes = new Pipes();
    pipes.serve({ type: "message", instances: 1 });
    const outcome = await rpcTool("serve", "--pipe", pipes.name);
    assertEquals([outcome.status, outcome.printed, outcome.complained.length], [1, [], 1]);
    assertMatch(
      outcome.complained[0],
      /CreateNamedPipe of .* failed: ERROR_(ACCESS_DENIED|PIPE_BUSY)/,
    );
  });

  it("a server that does not come: one line, and status 1", async () => {
    const busy = await (async () => {
      using pipes = new Pipes();
      pipes.serve({ type: "message" });
      pipes.open();
      return await rpcTool("call", "--pipe", pipes.name, "--timeout", "10", "time");
    })();
    assertEquals([busy.status, busy.complained.length], [1, 1]);
    assertMatch(busy.complained[0], /ERROR_SEM_TIMEOUT/);
    const none = await rpcTool("call", "--pipe", freshName(), "time");
    assertEquals([none.status, none.complained.length], [1, 1]);
    assertMatch(none.complained[0], /nobody serves it/);
  });

  itUnless(
    isWindows && "Windows ends a process by no signal",
    "Ctrl-C ends the server",
    async () => {
      const server = await new Server().ready();
      const [status, error] = await server.end("SIGINT");
      assertEquals([status, error], [130, "pipe-rpc: interrupted by SIGINT\n"]);
      assertEquals((await server.call("time")).status, 1);
    },
  );

  it("a command line that is wrong: what is wrong, status 2", async () => {
    for (
      const [args, words] of [
        [[], /serve or to call/],
        [["server"], /serve or to call/],
        [["serve", "x"], /serve takes no 'x'/],
        [["call"], /METHOD/],
        [["call", "sum", "x"], /'x' is no JSON/],
        [["serve", "--instances", "0"], /--instances/],
        [["call", "time", "--timeout", "x"], /--timeout/],
        [["serve", "--none"], /--none/],
      ] as const
    ) {
      const { status, printed, complained } = await rpcTool(...args);
      assertEquals([status, printed], [2, []], args.join(" "));
      assertMatch(complained[0], words);
    }
    const { status, printed } = await rpcTool("--help");
    assertEquals(status, 0);
    assertMatch(printed[0], /^Usage: pipe-rpc serve/);
    assertEquals((await rpcTool("serve", "--pipe", "nonsense")).status, 1);
  });

  it("whatever a message says, there is an answer", () => {
    const random = randomFrom(chooseSeed("pipe-rpc"));
    const texts = ["", "{}", "[]", "null", '{"method":"sum"}', '{"method":"time","parameters":[]}'];
    for (let i = 0; i < 10_000; i++) {
      const bytes = new TextEncoder().encode(texts[random(texts.length)]);
      for (let n = random(4); n > 0 && bytes.length > 0; n--) {
        bytes[random(bytes.length)] = random(256);
      }
      const answer = answerTo(bytes);
      assert("error" in answer || "result" in answer);
    }
  });
});
