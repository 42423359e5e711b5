/**
 * A server: a pool, a listening socket, and the connections of its clients.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import {
  type HandleToken,
  NativeBuffer,
  type NetAddress,
  Pool,
  type SocketAddress,
  SocketHandle,
} from "../../mod.ts";
import type { Interrupts } from "../program/interrupts.ts";
import { acceptNext } from "./desk.ts";
import { Table, type TableData } from "./table.ts";

/** Clients that are waited for at once. */
const ACCEPTS = 64;
/** Clients that the system may keep waiting until they are. */
const BACKLOG = 1024;
/** Milliseconds between two looks for signals. */
const TURN_MS = 100;
/** Milliseconds of a second: the table's clock. */
const TICK_MS = 1000;
/** Milliseconds that what is being answered may take when the server is to end. */
const CLOSE_MS = 10_000;

/** Milliseconds after which what is still in flight then is called back. */
const CALL_BACK_MS = 2000;

/** What a server needs. */
export interface ServerOptions {
  readonly name: string;
  /** The module of its threads. */
  readonly module: URL;
  readonly address: NetAddress;
  readonly threads: number;
  /** Clients at once; further ones wait. */
  readonly clients: number;
  /** Bytes of memory of each. */
  readonly byteLength: number;
  /** What the threads are handed beside the table. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Told what went wrong in a thread. */
  complain(line: string): void;
}

/** A server that runs. */
export class Server {
  readonly #pool: Pool;
  readonly #table: Table;
  readonly #listener: SocketHandle;
  readonly #memory: NativeBuffer;
  readonly #family: "ipv4" | "ipv6";

  private constructor(options: ServerOptions, listener: SocketHandle, memory: NativeBuffer) {
    const { name, threads, clients, byteLength } = options;
    this.#listener = listener;
    this.#memory = memory;
    this.#family = familyOf(options.address.hostname);
    const words = Table.wordsFor(clients);
    this.#table = new Table(words);
    const data: TableData = {
      ...options.data,
      words,
      memory: memory.token,
      byteLength,
      listener: listener.token,
      family: this.#family,
    };
    this.#pool = new Pool(options.module, { name, threads, data });
    this.#pool.addEventListener("error", ({ error }) => {
      options.complain(`a thread has failed: ${error.message}`);
    });
  }

  /**
   * Starts a server: clients can come when this resolves.
   *
   * @throws {Win32Error} if the address cannot be had.
   */
  static async start(options: ServerOptions): Promise<Server> {
    using stack = new DisposableStack();
    const { address, clients, byteLength } = options;
    const listener = stack.use(SocketHandle.tcp({ family: familyOf(address.hostname) }));
    listener.bind(address);
    listener.listen(BACKLOG);
    const memory = stack.use(NativeBuffer.allocate(clients * byteLength));
    const server = new Server(options, listener, memory);
    try {
      await server.#pool.ready;
      server.#pool.bind(listener, "accepted");
    } catch (error) {
      await server.#pool.close();
      throw error;
    }
    stack.move();
    for (let i = Math.min(ACCEPTS, clients); i > 0; i--) server.#accept();
    return server;
  }

  /** Where it is to be found. */
  get address(): SocketAddress | null {
    return this.#listener.localAddress;
  }

  /** Serves until a signal comes, and returns by its error. */
  async run(interrupts: Interrupts): Promise<never> {
    for (let ticked = performance.now();;) {
      await sleep(TURN_MS);
      interrupts.check();
      if (performance.now() - ticked < TICK_MS) continue;
      ticked += TICK_MS;
      this.#table.tick();
      this.#table.sweep((slot) => this.#table.isLate(slot), close);
      // What there was no room for a second ago.
      while (this.#table.takeOwed()) if (!this.#accept()) break;
    }
  }

  /** Ends the server: what is being answered is, within a few seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#table.close();
    this.#listener.close();
    const end = performance.now() + CLOSE_MS;
    let isClosed = false;
    const closing = this.#pool.close({ timeoutMs: CLOSE_MS + CALL_BACK_MS }).then(() =>
      isClosed = true
    );
    while (!isClosed) {
      const isOver = performance.now() > end;
      this.#table.sweep((slot) => isOver || this.#table.isIdle(slot), close);
      await Promise.race([closing, sleep(TURN_MS)]);
    }
    // None is left, unless a thread is.
    this.#table.sweep(() => true, close);
    this.#memory.free();
  }

  /** False if there is no room. */
  #accept(): boolean {
    return acceptNext(this.#listener, this.#table, this.#family);
  }
}

function close(token: HandleToken): void {
  try {
    SocketHandle.attach(token).close();
  } catch (error) {
    // It was closed at an earlier look, and no thread has come to its packet yet.
    if (!(error instanceof TypeError)) throw error;
  }
}

function familyOf(hostname: string): "ipv4" | "ipv6" {
  return hostname.includes(":") ? "ipv6" : "ipv4";
}
