/**
 * A client of HTTP that sends exactly what it is told, and reads answers strictly.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { Client } from "./client.ts";

/** What a server has answered. */
export interface Answer {
  readonly status: number;
  /** By their names in small letters. */
  readonly fields: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A connection on which requests are answered one after the other. */
export class Conversation {
  readonly client: Client;

  private constructor(client: Client) {
    this.client = client;
  }

  /** Connects to a port of this computer. */
  static async begin(port: number): Promise<Conversation> {
    return new Conversation(await Client.to(port));
  }

  /** Sends the lines of a head, and reads the answer. */
  ask(method: string, ...lines: string[]): Promise<Answer> {
    this.client.send(`${lines.join("\r\n")}\r\n\r\n`);
    return this.answer(method);
  }

  /** Reads the answer to a request of this method. */
  async answer(method: string): Promise<Answer> {
    let head = "";
    while (!head.endsWith("\r\n\r\n")) {
      const byte = await this.client.take(1);
      if (byte.length === 0) throw new Error(`The connection ended after ${JSON.stringify(head)}`);
      head += byte.toString("latin1");
    }
    const [line, ...rest] = head.slice(0, -4).split("\r\n");
    const parts = /^HTTP\/1\.1 (\d{3}) [A-Z][A-Za-z ]+$/.exec(line);
    if (parts === null) throw new Error(`This is no answer: ${line}`);
    const fields: Record<string, string> = {};
    for (const text of rest) {
      const field = /^([A-Za-z-]+): (.+)$/.exec(text);
      if (field === null) throw new Error(`This is no field: ${text}`);
      fields[field[1].toLowerCase()] = field[2];
    }
    const status = Number(parts[1]);
    const hasBody = method !== "HEAD" && status !== 304;
    const byteLength = hasBody ? Number(fields["content-length"]) : 0;
    const body = await this.client.take(byteLength);
    if (body.length !== byteLength) throw new Error(`Of ${byteLength} bytes ${body.length} came`);
    return { status, fields, body };
  }

  /** Leaves. */
  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
  }
}

/** One request, by the lines of its head, and its answer. */
export async function ask(port: number, ...lines: string[]): Promise<Answer> {
  using talk = await Conversation.begin(port);
  return await talk.ask(lines[0].split(" ")[0], ...lines);
}
