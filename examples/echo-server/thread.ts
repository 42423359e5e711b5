/**
 * The threads of `examples/echo-server.ts`.
 *
 * A connection is either receiving or sending: what has come is sent back before
 * anything more is received, so that a client which does not read cannot fill the memory.
 *
 * @module
 */

import { type NativeBuffer, type Packet, serve } from "../../src/pool/thread.ts";
import { Desk } from "../serving/desk.ts";
import type { TableData } from "../serving/table.ts";

let desk: Desk;
/** What each connection has sent back last: clients' messages tend to be of one length. */
let parts: (NativeBuffer | undefined)[];

serve({
  start(thread) {
    desk = new Desk(thread, thread.data as TableData);
    parts = Array(desk.table.length).fill(undefined);
  },

  callbacks: {
    accepted(packet) {
      const slot = desk.receive(packet);
      if (slot >= 0) receive(slot);
    },
  },

  packet({ key: slot, operation, error, bytesTransferred }: Packet) {
    if (error !== null) desk.end(slot);
    else if (operation!.kind === "send") receive(slot);
    else if (bytesTransferred === 0) desk.end(slot);
    else send(slot, bytesTransferred);
  },

  stop() {
    desk[Symbol.dispose]();
  },
});

function receive(slot: number): void {
  try {
    desk.socket(slot).receive(desk.memory(slot), slot);
  } catch (error) {
    desk.giveUp(slot, error);
  }
}

function send(slot: number, byteLength: number): void {
  let part = parts[slot];
  if (part === undefined || part.byteLength !== byteLength) {
    parts[slot] = part = desk.memory(slot).subarray(0, byteLength);
  }
  try {
    desk.socket(slot).send(part, slot);
  } catch (error) {
    desk.giveUp(slot, error);
  }
}
