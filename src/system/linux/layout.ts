/**
 * Where things lie in the engine's shared memory, in 32-bit words. Every thread
 * of the process reads and writes the same words.
 *
 * A word that names a place of a table holds its number plus one, so that
 * zeroed memory names nothing.
 *
 * @module
 */

/** Part of the memory's name: two copies of this module with different layouts keep apart. */
export const LAYOUT_VERSION = 7;

/** Threads that may use the engine at once. */
export const MAX_THREADS = 1024;
/** Ports that may be open at once. */
export const MAX_PORTS = 2048;
/** Handles that may be open at once, ports among them. */
export const MAX_HANDLES = 131_072;
/** Operations that may be in flight at once in the whole process. */
export const MAX_REQUESTS = 131_072;
/** Operations with more than four buffers that may be in flight at once in the whole process. */
export const MAX_VECTORS = 1024;
/** Buffers of one operation: what the kernel takes (IOV_MAX). */
export const MAX_VECTOR_LENGTH = 1024;
/** Byte ranges of files that may be locked at once in the whole process. */
export const MAX_LOCKS = 65_536;
/** Files that may have locked ranges or waiting locks at once. */
export const MAX_LOCKED_FILES = 8192;
/** Packets a port holds, queued and still in flight together; a power of two. */
export const MAX_QUEUE = 131_072;
/** Packets a new port has room for before its queue first grows; a power of two. */
export const FIRST_QUEUE = 64;

/** A thread. */
export const THREAD_WORDS = 64;
/** Its state, and the futex it sleeps on: one of the `STATE_` values. */
export const T_STATE = 0;
/** Its id in the kernel. */
export const T_TID = 1;
/** The port it last waited on, and which life of that port. */
export const T_PORT = 2;
export const T_PORT_GENERATION = 3;
/** Whether it is counted as active there: one of the `COUNTED_` values. */
export const T_COUNTED = 4;
/** The waiter that began to wait before it. */
export const T_OLDER = 5;
/** How often in a row it was found asleep while it was counted. */
export const T_ASLEEP = 6;
/** 1 while it keeps the port it waits on by a reference. */
export const T_HOLDS = 7;
/** 1 from when it must come out of the ring until it has. */
export const T_NUDGED = 40;
/** 1 while a packet is on its way to it, and what the queue's head is once it has left the queue. */
export const T_HANDING = 41;
export const T_HANDING_HEAD = 42;
/** The packet handed to it. */
export const T_PACKET = 8;
/**
 * Packets that were copied to its room and that its program may not have got yet.
 * Negative from before the queue's head moves on, to `T_LENT_HEAD`, until it has.
 */
export const T_LENT = 43;
export const T_LENT_HEAD = 44;
/** References to a port that it is to drop, and the place plus one of that port. */
export const T_OWED = 45;
export const T_OWED_PORT = 46;
/** The place plus one of the thread that buries it. */
export const T_BURIER = 49;
/** 1 from when it goes to wait in the ring until it is back; changed under the lock. */
export const T_IN_RING = 48;
/** What it still has to do with its lock given back: a sum of the `UNFINISHED_` values. */
export const T_UNFINISHED = 47;
/** Threads to wake, entries to hand to the kernel. */
export const UNFINISHED_UNLOCK = 1;
/** Entries that it keeps back to hand them over together. */
export const UNFINISHED_BATCH = 2;
/** The descriptor plus one of a pipe's folder that it has locked. */
export const T_FOLDER = 50;
/** A robust mutex it holds while it lives: the kernel marks it when the thread ends. */
export const T_MUTEX = 16;
/** A timespec and an io_uring_getevents_arg for its own waits. */
export const T_TIMESPEC = 28;
export const T_GETEVENTS = 32;

/** Not running for the port it is bound to. */
export const COUNTED_NO = 0;
/** Running for it. */
export const COUNTED_YES = 1;
/** Found blocked in something else: counted again when it is found running. */
export const COUNTED_ASLEEP = 2;
/** It has said that it blocks: counted again when it says so. */
export const COUNTED_BLOCKING = 3;

/** Not waiting. */
export const STATE_RUNNING = 0;
/** Waiting for a futex wake. */
export const STATE_PARKED = 1;
/** Waiting in io_uring_enter: the port's oldest waiter. */
export const STATE_IN_RING = 2;
/** Released with the packet in `T_PACKET`. */
export const STATE_HANDED = 3;
/** Released because the port was closed. */
export const STATE_ABANDONED = 4;
/** As parked, and it looks from time to time whether running threads are blocked. */
export const STATE_WATCHING = 5;

/** A port. What every take touches is its first sixteen words: one line of the cache. */
export const PORT_WORDS = 96;
export const P_LOCK = 0;
/** Which life of this place; handles and threads of an earlier one do not match. */
export const P_GENERATION = 1;
/** 1 while the port's handle is open. */
export const P_OPEN = 2;
/** Running threads, and how many there may be when one is released. */
export const P_ACTIVE = 3;
export const P_CONCURRENCY = 4;
/** The newest waiter, and how many there are. */
export const P_NEWEST = 5;
export const P_WAITING = 6;
/** How many packets were ever taken from the queue; changes by one store. */
export const P_HEAD = 7;
/** The first of the places of requests that wait to be used again, each with the next in `R_NEWER`. */
export const P_IDLE = 8;
/** Open handle, associated handles, all operations in flight together: what keeps the port alive. */
export const P_REFERENCES = 10;
/** Operations in flight; each has a place in the queue kept for its packet. */
export const P_IN_FLIGHT = 11;
/** 1: there is or was an operation in flight, and all that are keep the port by one reference. */
export const P_IS_KEPT = 12;
/** Packets taken, a count of two words. */
export const P_TAKEN = 14;
/** The engine: one of the `ENGINE_` values, and the errno for which io_uring was not taken. */
export const P_ENGINE = 56;
export const P_ENGINE_REASON = 57;
/** The descriptor plus one of its ring or its epoll, and of epoll's eventfd. */
export const P_RING = 50;
export const P_EVENT = 58;
/** Where the ring's memory and its entries are mapped. */
export const P_RING_ADDRESS = 52;
export const P_RING_BYTES = 16;
export const P_SQES_ADDRESS = 18;
/** The waiter that looks after running threads, while packets wait for them to be done. */
export const P_WATCHER = 54;
/** Threads that must come out of the ring and have not yet. */
export const P_NUDGED = 55;
/** `struct io_uring_params` as io_uring_setup has filled it: 120 bytes. */
export const P_RING_PARAMS = 20;

/**
 * What the thread that has the lock is doing with a request, for whoever inherits
 * the lock from it; see `journal.ts`.
 */
export const J_OPENING = 64;
export const J_OPENING_POSITION = 65;
export const J_FINISHING = 66;
export const J_FINISHING_TAIL = 67;
export const J_STATUS = 68;
export const J_BYTES = 69;
export const J_ERRNO = 70;
export const J_REAPING = 71;
export const J_LIFE = 72;
export const J_RESULT = 73;
export const J_DONE = 74;
export const J_POSITION = 75;
export const J_GOING_ON = 76;
export const J_GOING_ON_POSITION = 77;
export const J_LAUNCHING = 78;
export const J_RUN_HEAD = 59;
export const J_RUN_END = 60;
export const J_RUN_TAIL = 61;

/**
 * The end of the queue, which every post touches and nothing of the first sixteen words: another
 * line of the cache. How many packets were ever put in, and who is putting one in: see `tail.ts`.
 */
export const P_TAIL = 80;
/** The count at which a post needs the port's lock: it must ask whether there is room. */
export const P_LIMIT = 81;
/** Packets posted, a count of two words. */
export const P_POSTED = 82;
/** How many packets have room; changes by one store. */
export const P_CAPACITY = 84;

/** What carries a port's I/O. */
export const ENGINE_RING = 1;
export const ENGINE_EPOLL = 2;

/** A handle. */
export const HANDLE_WORDS = 16;
/** Which life of this place, while it is open; 0 when it is closed. */
export const H_GENERATION = 0;
/** One of the `KIND_` values. */
export const H_KIND = 1;
/** The file descriptor, -1 once it is closed; for a port its place plus one. */
export const H_FD = 2;
/** The port it is associated with, and the completion key. */
export const H_PORT = 3;
export const H_KEY = 4;
/** Operations in flight, and the newest of them. */
export const H_IN_FLIGHT = 6;
export const H_NEWEST = 7;
/** `FILE_FLAG_…` values it was opened with. */
export const H_FLAGS = 8;
/** How often this place was used. */
export const H_LIVES = 9;
/** Threads inside a system call on its descriptor; the last one closes a closed handle's. */
export const H_CALLS = 10;
/** The descriptor plus one of a closed handle that calls are still made on. */
export const H_CLOSING = 11;
/** Four words for what its kind keeps of it. */
export const H_OWN = 12;

export const KIND_PORT = 1;
/** A regular file or block device: reads end at its end, offsets count. Never waited for by epoll. */
export const KIND_FILE = 2;
/** A pipe, terminal or other stream opened by path. */
export const KIND_STREAM = 3;
/** A directory that is watched. */
export const KIND_DIRECTORY = 4;
/** An end of a named pipe. */
export const KIND_PIPE = 5;
/** A socket. */
export const KIND_SOCKET = 6;
/** A serial line. */
export const KIND_SERIAL = 7;
/** A device that is neither a file nor a stream. */
export const KIND_DEVICE = 8;

/** An operation in flight. */
export const REQUEST_WORDS = 16;
/** Which life of this place; part of the ring entry's user data. */
export const R_GENERATION = 0;
/** One of the `REQUEST_` values; 0 when it is none. */
export const R_STATE = 1;
export const R_HANDLE = 2;
/** The handle's operations, started after and before this one; of a place that waits, the next one. */
export const R_NEWER = 3;
export const R_OLDER = 4;
export const R_OVERLAPPED = 5;
/** What it is on a ring: opcode and what that takes, kept so that it can be submitted again. */
export const R_OPCODE = 7;
export const R_ADDRESS = 8;
export const R_LENGTH = 10;
export const R_OFFSET = 11;
export const R_FLAGS = 13;
/** Bytes transferred by earlier submissions of this operation. */
export const R_DONE = 14;
/** Which rules it follows; see `rules.ts`. */
export const R_KIND = 15;

/** In flight. */
export const REQUEST_STARTED = 1;
/** In flight, and asked to cancel. */
export const REQUEST_CANCELLED = 2;
/** Ended, and about to be completed by the thread that has its result. */
export const REQUEST_ENDED = 3;
/** With no engine: its rules know what it waits for. */
export const REQUEST_PARKED = 4;
/** Not handed to the engine yet: an older one on the same stream comes first. */
export const REQUEST_WAITING = 5;
/** With no engine: a thread is carrying it out itself, without the lock; see `carried.ts`. */
export const REQUEST_CARRIED = 6;

/** What only some kinds of operations keep, beside their request; memory the kernel may be given. */
export const ANNEX_WORDS = 72;
/** The place of its vector plus one, and how many buffers that has. */
export const X_VECTOR = 0;
export const X_VECTOR_LENGTH = 1;
/** On the engine without io_uring, the descriptor plus one of its timer. */
export const X_TIMER = 2;
/** A timespec: how long a timer of its runs. */
export const X_TIMESPEC = 4;
/** A vector of up to four buffers. */
export const X_SHORT_VECTOR = 8;
export const SHORT_VECTOR_LENGTH = 4;
/** Forty words of the kind's own. */
export const X_OWN = 24;
/**
 * Without io_uring, the place plus one of the thread that carries the request out
 * or has its result; in which life of the request, and the result.
 */
export const X_OWNER = 64;
export const X_OWNER_LIFE = 65;
export const X_RESULT = 66;

/** A vector: `struct iovec`, so many times. */
export const VECTOR_WORDS: number = MAX_VECTOR_LENGTH * 4;

/** A file with locked ranges, whichever handles they are of. */
export const LOCKED_FILE_WORDS = 16;
/** What tells files apart: four words of a device and an inode number. */
export const F_IDENTITY = 0;
/** The file after it among those of its bucket, as are all that follow first words or 0. */
export const F_NEXT = 4;
/** Its newest held lock. */
export const F_HELD = 5;
/** The lock that has waited longest, and one of the newest. */
export const F_OLDEST = 6;
export const F_NEWEST = 7;
/** The waiting lock whose timer looks whether another process has let go. */
export const F_PROBER = 8;

/** A held lock. */
export const LOCK_WORDS = 8;
export const L_NEXT = 0;
export const L_HANDLE = 1;
export const L_EXCLUSIVE = 2;
export const L_OFFSET = 4;
export const L_LENGTH = 6;

/** A lock that waits, in the annex of its request; the range as in a held one. */
export const W_NEXT: number = X_OWN;
export const W_FILE: number = X_OWN + 1;
export const W_EXCLUSIVE: number = X_OWN + 2;
/** One of the `TURN_` values, and the errno with which its turn came. */
export const W_TURN: number = X_OWN + 3;
export const W_OFFSET: number = X_OWN + 4;
export const W_LENGTH: number = X_OWN + 6;
export const W_ERRNO: number = X_OWN + 8;
/** Milliseconds of its timer. */
export const W_DELAY: number = X_OWN + 9;

/** Not among those that wait. */
export const TURN_NONE = 0;
export const TURN_WAITS = 1;
/** Held, or failed; its packet is on its way. */
export const TURN_CAME = 2;

/** One packet in a queue: an OVERLAPPED_ENTRY. */
export const PACKET_WORDS = 8;
/** Set in a packet's last word beside the errno: an OVERLAPPED waits for its status. */
export const PACKET_OF_OPERATION = 0x40000000;

/** Packets a thread's room holds, and its words: a row more says how many its program has got. */
export const ROOM_PACKETS = 1024;
export const ROOM_GIVEN: number = ROOM_PACKETS * PACKET_WORDS;
export const ROOM_WORDS: number = ROOM_GIVEN + PACKET_WORDS;

const HEADER_WORDS = 1024;

/** Ports that are closed and still kept by handles or operations. */
export const LINGERING = 0;
/** Ports that have the engine without io_uring. */
export const EPOLLS = 1;
/** A timespec: how long a thread sleeps on a lock before it looks whether its owner lives. */
export const LOCK_TIMEOUT = 8;
export const LOCK_TIMEOUT_NS = 20_000_000;

/** The lock around all locked ranges, and the first file of each bucket. */
export const LOCKS_GUARD = 16;
export const LOCKED_FILE_BUCKETS = 512;
export const BUCKETS = 256;

/** Word offsets of the tables. */
export const THREAD_BITMAP = HEADER_WORDS;
export const PORT_BITMAP: number = THREAD_BITMAP + MAX_THREADS / 32;
export const HANDLE_BITMAP: number = PORT_BITMAP + MAX_PORTS / 32;
export const REQUEST_BITMAP: number = HANDLE_BITMAP + MAX_HANDLES / 32;
export const VECTOR_BITMAP: number = REQUEST_BITMAP + MAX_REQUESTS / 32;
export const LOCK_BITMAP: number = VECTOR_BITMAP + MAX_VECTORS / 32;
export const LOCKED_FILE_BITMAP: number = LOCK_BITMAP + MAX_LOCKS / 32;
export const THREADS: number = LOCKED_FILE_BITMAP + MAX_LOCKED_FILES / 32;
export const PORTS: number = THREADS + MAX_THREADS * THREAD_WORDS;
export const HANDLES: number = PORTS + MAX_PORTS * PORT_WORDS;
export const REQUESTS: number = HANDLES + MAX_HANDLES * HANDLE_WORDS;
export const ANNEXES: number = REQUESTS + MAX_REQUESTS * REQUEST_WORDS;
export const VECTORS: number = ANNEXES + MAX_REQUESTS * ANNEX_WORDS;
export const ROOMS: number = VECTORS + MAX_VECTORS * VECTOR_WORDS;
export const LOCKS: number = ROOMS + MAX_THREADS * ROOM_WORDS;
export const LOCKED_FILES: number = LOCKS + MAX_LOCKS * LOCK_WORDS;
/** Where the kernel puts what is only read to have it in memory: nobody looks at these bytes. */
export const WASTE: number = LOCKED_FILES + MAX_LOCKED_FILES * LOCKED_FILE_WORDS;
export const WASTE_BYTES = 0x40000;
const TABLES_END: number = WASTE + WASTE_BYTES / 4;

/** Bytes of the tables, and where the queues begin; a multiple of the page size. */
export const TABLE_BYTES: number = Math.ceil(TABLES_END * 4 / 65536) * 65536;
/** Bytes reserved for one port's queue: packets that ended threads had come back to a full one. */
export const QUEUE_BYTES: number = 2 * MAX_QUEUE * PACKET_WORDS * 4;
/** Bytes of address space the engine reserves; memory is taken as it is used. */
export const REGION_BYTES: number = TABLE_BYTES + MAX_PORTS * QUEUE_BYTES;

/** The first word of the thread at `place`. */
export function threadAt(place: number): number {
  return THREADS + place * THREAD_WORDS;
}

/** The first word of the room of the thread whose first word is `thread`. */
export function roomOf(thread: number): number {
  return ROOMS + placeOf(thread) * ROOM_WORDS;
}

/** The place of the thread whose first word is `thread`. */
export function placeOf(thread: number): number {
  return (thread - THREADS) / THREAD_WORDS;
}

/** The place of the request whose first word is `request`. */
export function requestPlace(request: number): number {
  return (request - REQUESTS) / REQUEST_WORDS;
}

/** The first word of the annex of the request whose first word is `request`. */
export function annexOf(request: number): number {
  return ANNEXES + requestPlace(request) * ANNEX_WORDS;
}
