/**
 * What the threads that serve an echo and their test agree on.
 *
 * @module
 */

import { SocketHandle } from "../../mod.ts";

/** Keys of the port. */
export const STOP = 0;
export const LISTENER = 1;
export const SERVER = 2;

/** Bytes of a connection's room. */
export const ROOM_BYTES = 64;

/** Where in their counts the rooms taken and the threads started are. */
export const ROOMS = 0;
export const STARTED = 1;

const GENERATIONS = 2 ** 20;

/** The tag that says which socket an operation is about, so that any thread finds it. */
export function tagOf({ token }: SocketHandle): number {
  return token.place * GENERATIONS + token.generation;
}

/** The socket of a tag. */
export function socketOf(tag: number): SocketHandle {
  const place = Math.floor(tag / GENERATIONS);
  return SocketHandle.attach({ kind: "iocp.socket", place, generation: tag % GENERATIONS });
}

/** Starts to wait for the next client, with a new socket. Throws once the listener is closed. */
export function acceptNext(listener: SocketHandle): void {
  const socket = SocketHandle.tcp();
  try {
    listener.accept(socket, tagOf(socket));
  } catch (error) {
    socket.close();
    throw error;
  }
}
