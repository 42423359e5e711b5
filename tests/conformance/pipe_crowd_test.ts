import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { CompletionPort, NativeBuffer, PipeHandle } from "../../mod.ts";
import { command } from "../examples/tool.ts";
import { Folder, itUnless, turn, unlessLinux, until } from "./fixture.ts";
import { codeOf, freshName, Pipes, SERVER } from "./pipes.ts";
import { chooseSeed, randomFrom } from "./random.ts";

const WRITER = "tests/conformance/programs/pipe-writer.ts";
const HOLDER = "tests/conformance/programs/pipe-holder.ts";
const CLIENTS = 1000;
const ROUNDS = 3;
const MESSAGE_BYTES = 256;

/** A process that writes messages. */
class Writer {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #error = "";

  constructor(name: string, seed: number) {
    const [program, ...args] = command(WRITER, name, String(seed));
    this.#child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => this.#error += text);
    this.#ended = new Promise((resolve) => this.#child.on("close", () => resolve()));
  }

  /** Fails if the process has ended by itself. */
  check(): void {
    const { exitCode } = this.#child;
    if (exitCode !== null) throw new Error(`The writer ended with ${exitCode}: ${this.#error}`);
  }

  /** Kills it in whatever it does just now. */
  kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    return this.#ended;
  }
}

/** Whether a message is whole, as the writer writes them. */
function isWhole(bytes: Uint8Array): boolean {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  return length === bytes.length && bytes.subarray(4).every((byte) => byte === length % 251);
}

describe("many clients of a pipe", () => {
  it(`${CLIENTS} at once: every message comes back to who has sent it, whole`, () => {
    const seed = chooseSeed("many clients of a pipe");
    const random = randomFrom(seed);
    const name = freshName();
    using port = new CompletionPort();
    using memory = NativeBuffer.allocate(CLIENTS * 2 * MESSAGE_BYTES);
    const room = (at: number, length = MESSAGE_BYTES) =>
      memory.subarray(at * MESSAGE_BYTES, at * MESSAGE_BYTES + length);
    const servers: PipeHandle[] = [];
    const clients: PipeHandle[] = [];
    for (let i = 0; i < CLIENTS; i++) {
      servers.push(PipeHandle.serve(name, { type: "message", first: i === 0 }));
      port.associate(servers[i], SERVER);
      servers[i].connect(i);
    }
    for (let i = 0; i < CLIENTS; i++) {
      clients.push(PipeHandle.open(name, { type: "message" }));
      port.associate(clients[i], CLIENTS + i);
    }
    assertEquals(codeOf(() => PipeHandle.open(name)), 231);
    const lengths = new Map<number, number>();
    const ask = (i: number) => {
      const length = 5 + random(MESSAGE_BYTES - 5);
      const message = NativeBuffer.allocate(length);
      message.bytes.fill(i % 256);
      lengths.set(i, length);
      clients[i].transact(message, room(CLIENTS + i), i);
      message.free();
    };
    const rounds = new Map<number, number>();
    let answered = 0;
    for (let i = 0; i < CLIENTS; i++) ask(i);
    while (answered < CLIENTS * ROUNDS) {
      for (const { key, operation, error, bytesTransferred } of port.getMany(256)) {
        assertEquals(error, null);
        const { kind, tag } = operation!;
        if (kind === "connect" || kind === "write") servers[tag].read(room(tag), tag);
        else if (kind === "read") servers[tag].write(room(tag, bytesTransferred), tag);
        else {
          const { bytes } = room(key, bytesTransferred);
          assertEquals([key - CLIENTS, bytesTransferred], [tag, lengths.get(tag)]);
          assert(bytes.every((byte) => byte === tag % 256));
          answered++;
          rounds.set(tag, (rounds.get(tag) ?? 0) + 1);
          if (rounds.get(tag)! < ROUNDS) ask(tag);
        }
      }
    }
    for (const handle of [...clients, ...servers]) handle.close();
    while (port.counters.inFlight > 0) port.getMany(1024);
  });

  it("one that is killed at any moment: no half message, and the others do not notice", async () => {
    const random = randomFrom(chooseSeed("a killed client"));
    using pipes = new Pipes();
    const steady = pipes.serve({ type: "message" });
    steady.connect();
    const client = pipes.open({ type: "message" });
    assertEquals(pipes.outcome(), [0, 0]);
    // Only now: a client takes any instance that is free.
    const shaky = pipes.serve({ type: "message", first: false });
    const [into, question, answer] = [pipes.buffer(400_000), pipes.buffer(16), pipes.buffer(64)];
    const text = pipes.buffer("ask");
    const [SHAKY, QUESTION, REPLY, ANSWER] = [1, 2, 3, 4];
    steady.read(question, QUESTION);
    client.transact(text, answer, ANSWER);
    let answers = 0;
    let taken = 0;
    for (let life = 0; life < 6; life++) {
      shaky.connect(SHAKY);
      const writer = new Writer(pipes.name, random(2 ** 31));
      const enough = random(12);
      let killed: Promise<void> | null = null;
      for (let seen = 0, isGone = false; !isGone;) {
        const packet = pipes.port.get(0);
        // There is nearly always a packet, and the event loop has a process to start and to kill.
        if (packet === null || ++taken % 16 === 0) await turn();
        if (killed === null) writer.check();
        if (packet === null) continue;
        const { error, operation, bytesTransferred } = packet;
        if (operation!.tag === SHAKY) {
          isGone = error?.code === 109;
          if (isGone) continue;
          assertEquals(error, null);
          if (operation!.kind === "read") assert(isWhole(into.bytes.subarray(0, bytesTransferred)));
          shaky.read(into, SHAKY);
          if (seen++ === enough) killed = writer.kill();
          continue;
        }
        assertEquals(error, null);
        if (operation!.tag === QUESTION) steady.write(question.subarray(0, 3), REPLY);
        if (operation!.tag !== ANSWER) continue;
        assertEquals(bytesTransferred, 3);
        answers++;
        steady.read(question, QUESTION);
        client.transact(text, answer, ANSWER);
      }
      await killed;
      shaky.disconnect();
    }
    assert(answers > 0);
  });

  itUnless(
    unlessLinux,
    "a server that is killed: its pipe is gone, and can be served anew",
    async () => {
      using folder = new Folder();
      const path = folder.path("pipe");
      const [runtime, ...args] = command(HOLDER, "serve", path);
      const server = spawn(runtime, args, { stdio: "ignore" });
      const ended = new Promise((resolve) => server.on("close", resolve));
      await until(() => codeOf(() => PipeHandle.open(path).close()) === 0, "it serves");
      assertEquals(codeOf(() => PipeHandle.open(path)), 231);
      assertEquals(codeOf(() => PipeHandle.serve(path)), 5);
      server.kill("SIGKILL");
      await ended;
      assertEquals(codeOf(() => PipeHandle.open(path)), 2);
      assertEquals(codeOf(() => PipeHandle.wait(path, Infinity)), 2);
      using again = PipeHandle.serve(path);
      PipeHandle.open(path).close();
      assert(!again.isClosed);
    },
  );

  itUnless(unlessLinux, "a client of another process waits until an instance is free", async () => {
    using pipes = new Pipes();
    const server = pipes.serve({ type: "message" });
    const first = pipes.open({ type: "message" });
    const [runtime, ...args] = command(HOLDER, "open", pipes.name);
    const client = spawn(runtime, args, { stdio: "ignore" });
    const ended = new Promise((resolve) => client.on("close", resolve));
    first.close();
    server.disconnect();
    server.connect();
    let packet = pipes.port.get(0);
    await until(() => (packet ??= pipes.port.get(0)) !== null, "the client comes");
    assertEquals(packet!.error, null);
    assertEquals([server.clientProcessId(), server.serverProcessId()], [client.pid, process.pid]);
    server.read(pipes.buffer(8));
    client.kill("SIGKILL");
    await ended;
    assertEquals(pipes.outcome(), [109, 0]);
  });
});
