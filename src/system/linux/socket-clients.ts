/**
 * Accepting a client by a plain call, where there is no io_uring, so that it is accepted once and is
 * not lost: a thread may end right behind the call, before it has noted the descriptor. Then
 * the length of the client's address, which the kernel has written, says that there is one. Of its
 * first bytes the kernel notes the count.
 *
 * All functions are called with the lock of the listener's port held.
 *
 * @module
 */

import { sockets } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { view } from "../../ffi/memory.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import { addressOf, findLost, isListening } from "./lost-sockets.ts";
import { region } from "./region.ts";
import { writeAddress } from "./requests.ts";
import { openVector, setBuffer, vectorAddress } from "./vectors.ts";

const AF_UNIX = 1;
const SOCK_CLOEXEC = 0x80000;

// In the annex, behind what an accept keeps.
/** The client's descriptor plus one, or one of the two below. */
const CLIENT: number = layout.X_OWN + 8;
/** Its address, and the length of that. */
const NAME_BYTES: number = layout.X_OWN + 9;
const NAME: number = layout.X_OWN + 10;

const NOTHING = word(0);

const NONE = 0;
const CALLING = -1;

/** Once the client is in its place, the `struct mmsghdr` by which its first bytes come. */
const MESSAGE: number = layout.X_OWN + 10;
const MESSAGE_WORDS = 16;
const MESSAGE_BUFFERS = 4;
const MESSAGE_COUNT = 6;
const MESSAGE_LENGTH = 14;

/** The kernel has not written how many bytes came. */
const NOT_YET = -1;

const MSG_DONTWAIT = 0x40;

/** Room for an address; no address is as long. */
const ROOM_BYTES = 112;

/** The request has no client yet. */
export function forgetClient(request: number): void {
  region().words[layout.annexOf(request) + CLIENT] = NONE;
}

/** Accepts a client, unless that is done. Returns its descriptor or a negated errno. */
export function acceptClient(request: number, listener: number): number {
  const { words, address } = region();
  const annex = layout.annexOf(request);
  const client = clientOf(request, -1);
  if (client >= 0) return client;
  const name = word(address + (annex + NAME) * 4);
  const bytes = word(address + (annex + NAME_BYTES) * 4);
  for (;;) {
    words[annex + NAME_BYTES] = ROOM_BYTES;
    words[annex + CLIENT] = CALLING;
    const fd = sockets().accept4(listener, name, bytes, SOCK_CLOEXEC);
    words[annex + CLIENT] = fd + 1;
    if (fd >= 0) return fd;
    const reason = errno.errno();
    if (reason !== errno.EINTR) return -reason;
  }
}

/** The client that a plain call has accepted for the request; `otherwise` if none has. */
export function clientOf(request: number, otherwise: number): number {
  const { words } = region();
  const annex = layout.annexOf(request);
  if (words[annex + CLIENT] === CALLING) {
    const isAccepted = words[annex + NAME_BYTES] !== ROOM_BYTES;
    words[annex + CLIENT] = isAccepted ? findClient(request) + 1 : NONE;
  }
  return words[annex + CLIENT] === NONE ? otherwise : words[annex + CLIENT] - 1;
}

/** The descriptor that was accepted and not noted; -1 if it is not to be found. */
function findClient(request: number): number {
  const { words, address } = region();
  const handle = words[request + layout.R_HANDLE];
  const annex = layout.annexOf(request);
  const length = words[annex + NAME_BYTES];
  const peer = new Uint8Array(view(address + (annex + NAME) * 4, length));
  const own = addressOf(words[handle + layout.H_FD], "getsockname");
  if (own === null) return -1;
  const others = clientsOf(handle);
  return findLost((fd) => {
    const [here, there] = [addressOf(fd, "getsockname"), addressOf(fd, "getpeername")];
    return here !== null && there !== null && !others.has(fd) && !isListening(fd) &&
      isOfListener(here, own) && isSame(there, peer);
  });
}

/** The first bytes of the client are to come to `byteLength` bytes at `room`. */
export function awaitFirst(request: number, room: number, byteLength: number): void {
  const { words } = region();
  const message = layout.annexOf(request) + MESSAGE;
  openVector(request, 1);
  setBuffer(request, 0, room, byteLength);
  words.fill(0, message, message + MESSAGE_WORDS);
  writeAddress(words, message + MESSAGE_BUFFERS, vectorAddress(request));
  words[message + MESSAGE_COUNT] = 1;
  words[message + MESSAGE_LENGTH] = NOT_YET;
}

/** Receives the first bytes by a plain call, unless that is done. Returns a count or a negated errno. */
export function receiveFirst(request: number, fd: number): number {
  const message = layout.annexOf(request) + MESSAGE;
  const header = word(region().address + message * 4);
  for (;;) {
    const count = firstOf(request, -errno.EAGAIN);
    if (count >= 0) return count;
    if (sockets().recvmmsg(fd, header, 1, MSG_DONTWAIT, NOTHING) < 0) {
      const reason = errno.errno();
      if (reason !== errno.EINTR) return -reason;
    }
  }
}

/** How many first bytes a plain call has received; `otherwise` if none has. */
export function firstOf(request: number, otherwise: number): number {
  const count = region().words[layout.annexOf(request) + MESSAGE + MESSAGE_LENGTH];
  return count === NOT_YET ? otherwise : count;
}

/** Clients of the same listener that other requests have and that are no handle's yet. */
function clientsOf(handle: number): Set<number> {
  const { words } = region();
  const clients = new Set<number>();
  for (let at = words[handle + layout.H_NEWEST]; at !== 0; at = words[at + layout.R_OLDER]) {
    clients.add(words[layout.annexOf(at) + CLIENT] - 1);
  }
  return clients;
}

/** Of an address of the internet only family and port: a listener may be bound to any address. */
function isOfListener(name: Uint8Array, listener: Uint8Array): boolean {
  return listener[0] === AF_UNIX
    ? isSame(name, listener)
    : isSame(name.subarray(0, 4), listener.subarray(0, 4));
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
