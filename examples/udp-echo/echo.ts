/**
 * The echo: a row of slots, each of which receives a datagram or sends one back.
 *
 * @module
 */

import {
  CompletionPort,
  NativeBuffer,
  type NetAddress,
  type Packet,
  type SocketAddress,
  SocketHandle,
} from "../../mod.ts";
import type { Interrupts } from "../program/interrupts.ts";
import type { Screen } from "../program/screen.ts";
import { formatPlace } from "../serving/places.ts";

/** No datagram is longer. */
const DATAGRAM_BYTES = 65_536;
/** Milliseconds after which the event loop has its turn, which sees signals. */
const TURN_MS = 100;

/** Ports below are those of services. */
const FIRST_CLIENT_PORT = 1024;

const ERROR_INVALID_HANDLE = 6;
const ERROR_OPERATION_ABORTED = 995;

/** Echoes until a signal comes; returns by its error. */
export async function echo(
  address: NetAddress,
  inFlight: number,
  screen: Screen,
  interrupts: Interrupts,
): Promise<never> {
  using port = new CompletionPort();
  const family = address.hostname.includes(":") ? "ipv6" : "ipv4";
  using socket = SocketHandle.udp({ family });
  socket.bind(address);
  port.associate(socket, 0);
  using memory = NativeBuffer.allocate(inFlight * DATAGRAM_BYTES);
  const slots = Array.from(
    { length: inFlight },
    (_, slot) => memory.subarray(slot * DATAGRAM_BYTES, (slot + 1) * DATAGRAM_BYTES),
  );
  slots.forEach((slot, index) => socket.receiveFrom(slot, index));
  screen.print(`echoing at ${formatPlace(socket.localAddress)}`);
  for (let turned = performance.now();;) {
    const packets = port.getMany(64, TURN_MS);
    // What is started for them is handed to the system together.
    port.batch(() => {
      for (const packet of packets) goOn(socket, slots, packet);
    });
    if (performance.now() - turned < TURN_MS) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    interrupts.check();
    turned = performance.now();
  }
}

/** Goes on after a packet of a slot. */
function goOn(socket: SocketHandle, slots: readonly NativeBuffer[], packet: Packet): void {
  const { operation, error, bytesTransferred } = packet;
  const { kind, tag } = operation!;
  const isEnd = error?.code === ERROR_INVALID_HANDLE || error?.code === ERROR_OPERATION_ABORTED;
  if (isEnd) throw error;
  // Any other error is of one datagram: nobody was there any more to take it back.
  const sender = kind === "receiveFrom" && error === null ? SocketHandle.sender(packet) : null;
  if (sender === null || !isClient(sender)) socket.receiveFrom(slots[tag], tag);
  else socket.sendTo(slots[tag].subarray(0, bytesTransferred), sender, tag);
}

/** A sender can be forged: another service that answers whatever comes is not to be set on this one. */
function isClient(sender: SocketAddress): boolean {
  return !("path" in sender) && sender.port >= FIRST_CLIENT_PORT;
}
