/**
 * Clients of servers, by the runtime's own sockets: what the module's are compared with.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { Buffer } from "node:buffer";
import { until } from "../conformance/fixture.ts";

/** A connection by node:net. */
export class Client {
  readonly socket: Socket;
  readonly #pieces: Buffer[] = [];
  #received = 0;
  #hasEnded = false;
  #isClosed = false;
  #error: Error | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (piece: Buffer) => {
      this.#pieces.push(piece);
      this.#received += piece.length;
    });
    socket.on("end", () => this.#hasEnded = true);
    socket.on("error", (error) => this.#error = error);
    socket.on("close", () => this.#isClosed = true);
  }

  /** Connects to a port of this computer. */
  static async to(port: number, host: string = "127.0.0.1"): Promise<Client> {
    const socket = connect({ port, host, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new Client(socket);
  }

  /** Bytes that have come. */
  get received(): number {
    return this.#received;
  }

  /** Whether the other end sends no more, or the connection is over. */
  get hasEnded(): boolean {
    return this.#hasEnded || this.#isClosed;
  }

  /** Whether the connection is over. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Why it is, if not by its end. */
  get error(): Error | null {
    return this.#error;
  }

  /** Sends text, of which each letter is a byte, or bytes. */
  send(data: string | Uint8Array): void {
    this.socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data);
  }

  /** Sends no more. */
  end(): void {
    this.socket.end();
  }

  /** Waits until so many bytes have come, and takes them. */
  async take(byteLength: number): Promise<Buffer> {
    await until(
      () => this.#received >= byteLength || this.hasEnded,
      () => `${byteLength} bytes come: there are ${this.#received}`,
    );
    const all = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
    this.#pieces.length = 0;
    this.#pieces.push(all.subarray(byteLength));
    this.#received = Math.max(0, all.length - byteLength);
    return all.subarray(0, byteLength);
  }

  /** Waits for the end, and takes all that has come until then. */
  async rest(): Promise<Buffer> {
    await until(() => this.hasEnded, "the other end ends");
    return await this.take(this.#received);
  }

  /** Leaves. */
  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
