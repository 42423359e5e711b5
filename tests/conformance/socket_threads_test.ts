import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort, NativeBuffer, SocketHandle } from "../../mod.ts";
import { ledger } from "../../src/core/ledger.ts";
import { acceptNext, LISTENER, ROOM_BYTES, STARTED, STOP } from "./echoes.ts";
import { isWine, startWorker, turn, until } from "./fixture.ts";
import type { Echo, Echoed } from "./workers/echo.ts";
import type { Tally } from "./workers/tally.ts";

const THREADS = 4;
/** Wine needs about a millisecond for each operation. */
const CLIENTS = isWine ? 100 : 500;
const ROUNDS = 4;
const PENDING_ACCEPTS = 8;

/** A listener, and threads that serve whoever comes. */
class Service {
  readonly port: CompletionPort = new CompletionPort({ concurrency: THREADS });
  readonly listener: SocketHandle = SocketHandle.tcp();
  readonly #memory: NativeBuffer;
  readonly #threads: Promise<Echoed>[] = [];
  readonly #counts: Int32Array = new Int32Array(new SharedArrayBuffer(8));

  private constructor(clients: number) {
    this.listener.bind({ hostname: "127.0.0.1", port: 0 });
    this.listener.listen(clients);
    this.port.associate(this.listener, LISTENER);
    for (let i = 0; i < PENDING_ACCEPTS; i++) acceptNext(this.listener);
    this.#memory = NativeBuffer.allocate(clients * ROOM_BYTES);
    const echo: Echo = {
      port: this.port.token,
      listener: this.listener.token,
      memory: this.#memory.token,
      counts: this.#counts,
    };
    for (let i = 0; i < THREADS; i++) this.#threads.push(startWorker<Echoed>("echo", echo));
  }

  /** A service whose threads all wait for packets: the caller may block from then on. */
  static async start(clients: number): Promise<Service> {
    const service = new Service(clients);
    // However long a Worker's start takes; what one throws ends the waiting.
    const threads = Promise.all(service.#threads);
    while (Atomics.load(service.#counts, STARTED) < THREADS) await Promise.race([turn(), threads]);
    return service;
  }

  /** Stops the threads once nothing is in flight; what they have seen, together. */
  async stop(): Promise<Echoed> {
    this.listener.close();
    await until(() => this.port.counters.inFlight === 0, "all packets are taken");
    for (let i = 0; i < THREADS; i++) this.port.post({ key: STOP });
    const seen = await Promise.all(this.#threads);
    this.port.close();
    this.#memory.free();
    const sum = (of: (one: Echoed) => number) => seen.reduce((total, one) => total + of(one), 0);
    return {
      accepted: sum(({ accepted }) => accepted),
      received: sum(({ received }) => received),
      sent: sum(({ sent }) => sent),
      ended: sum(({ ended }) => ended),
      failed: seen.flatMap(({ failed }) => failed),
    };
  }
}

/** A client of an echo: sends a message, waits for all of it, and so on. */
class Client {
  readonly socket: SocketHandle = SocketHandle.tcp();
  readonly #message: NativeBuffer = NativeBuffer.allocate(ROOM_BYTES);
  readonly #answer: NativeBuffer = NativeBuffer.allocate(ROOM_BYTES);
  readonly #index: number;
  #received = 0;
  rounds = 0;

  constructor(index: number) {
    this.#index = index;
  }

  start(port: CompletionPort, listener: SocketHandle): void {
    port.associate(this.socket, this.#index);
    this.#fill();
    this.socket.connect(listener.localAddress!, this.#message);
  }

  #fill(): void {
    this.#message.bytes.fill((this.#index * 7 + this.rounds) % 256);
  }

  receive(): void {
    this.socket.receive(this.#answer.subarray(this.#received));
  }

  /** Takes bytes of the answer; whether it is whole, and is the message. */
  take(byteLength: number): boolean {
    this.#received += byteLength;
    if (this.#received < ROOM_BYTES) return false;
    assertEquals(this.#answer.bytes, this.#message.bytes);
    this.#received = 0;
    this.rounds++;
    return true;
  }

  send(): void {
    this.#fill();
    this.socket.send(this.#message);
  }

  close(): void {
    this.socket.close();
    this.#message.free();
    this.#answer.free();
  }
}

function handles(): number {
  return ledger().handles.count();
}

/** Has the clients connect, all at once, and ask and be answered `rounds` times. */
function converse(port: CompletionPort, clients: Client[], rounds: number): void {
  let talking = clients.length;
  while (talking > 0) {
    for (const { key, operation, error, bytesTransferred } of port.getMany(64)) {
      assertEquals(error, null);
      const client = clients[key];
      // What was sent needs nothing more; an answer that has come is followed by the next message.
      if (operation!.kind === "connect") client.receive();
      else if (operation!.kind === "receive") {
        assert(bytesTransferred > 0);
        const isWhole = client.take(bytesTransferred);
        if (isWhole && client.rounds === rounds) talking--;
        else {
          if (isWhole) client.send();
          client.receive();
        }
      }
    }
  }
}

describe("several threads, one listener", () => {
  it(`${CLIENTS} clients: whichever threads take the packets, everybody is answered`, async () => {
    const before = handles();
    const service = await Service.start(CLIENTS);
    using port = new CompletionPort();
    const clients = Array.from({ length: CLIENTS }, (_, index) => new Client(index));
    for (const client of clients) client.start(port, service.listener);
    converse(port, clients, ROUNDS);
    for (const { socket } of clients) socket.shutdown("send");
    for (const client of clients) client.receive();
    let ends = 0;
    while (ends < CLIENTS) {
      const { operation, error, bytesTransferred } = port.get()!;
      if (operation!.kind !== "receive") continue;
      assertEquals([error, bytesTransferred], [null, 0]);
      ends++;
    }
    for (const client of clients) client.close();
    const total = CLIENTS * ROUNDS * ROOM_BYTES;
    const { failed, ...seen } = await service.stop();
    assertEquals(seen, { accepted: CLIENTS, received: total, sent: total, ended: CLIENTS });
    assertEquals(failed, Array(PENDING_ACCEPTS).fill(995));
    assertEquals(handles(), before);
  });

  it("clients that go in the middle, and the listener too: every operation has its packet", async () => {
    const before = handles();
    const service = await Service.start(CLIENTS);
    using port = new CompletionPort();
    const clients = Array.from({ length: CLIENTS }, (_, index) => new Client(index));
    for (const client of clients) client.start(port, service.listener);
    converse(port, clients, 1);
    // Half of them reset the connection: what they were sent they have not read.
    for (const client of clients) client.send();
    for (const client of clients) client.close();
    while (port.counters.inFlight > 0) port.getMany(64);
    const { accepted, failed } = await service.stop();
    assertEquals(accepted, CLIENTS);
    const others = failed.filter((code) =>
      code !== 995 && code !== 64 && code !== 10054 && code !== 10053
    );
    assertEquals(others, []);
    assertEquals(handles(), before);
  });

  it("case 44: receives of one socket are filled in order, whichever threads take them", async () => {
    using port = new CompletionPort({ concurrency: THREADS });
    const [listener, server, client] = [1, 2, 3].map(() => SocketHandle.tcp());
    listener.bind({ hostname: "127.0.0.1", port: 0 });
    listener.listen();
    for (const socket of [listener, server, client]) port.associate(socket, 1);
    listener.accept(server);
    client.connect(listener.localAddress!);
    assertEquals([port.get()!.error, port.get()!.error], [null, null]);

    const [count, each] = [200, 50];
    using memory = NativeBuffer.allocate(count * each);
    using stream = NativeBuffer.allocate(count * each);
    stream.bytes.forEach((_, i) => stream.bytes[i] = (i * 7 + (i >> 8)) % 256);
    const outcomes = new Int32Array(new SharedArrayBuffer(4 * (count * 2 + 1)));
    const tally: Tally = { port: port.token, outcomes };
    const threads = Array.from({ length: THREADS }, () => startWorker<number>("tally", tally));
    for (let i = 0; i < count; i++) server.receive(memory.subarray(i * each, (i + 1) * each), i);
    // In pieces of other sizes than the receives'.
    let sent = 0;
    for (let i = 0; sent < count * each; i++) {
      const end = Math.min(sent + 30 + i % 60, count * each);
      client.send(stream.subarray(sent, end), count + i);
      sent = end;
    }
    client.shutdown("send");
    await until(() => port.counters.inFlight === 0, "all packets are taken");
    for (let i = 0; i < THREADS; i++) port.post({ key: 0 });
    await Promise.all(threads);

    let received = 0;
    for (let i = 0; i < count; i++) {
      assert(outcomes[i] >= 0, `receive ${i}: ${outcomes[i]}`);
      const part = memory.bytes.subarray(i * each, i * each + outcomes[i]);
      assertEquals(part, stream.bytes.subarray(received, received + outcomes[i]), `receive ${i}`);
      received += outcomes[i];
    }
    assert(received >= count && received <= sent);
    for (const socket of [listener, server, client]) socket.close();
  });
});
