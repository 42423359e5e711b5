/** The module of the pools under test: does with each packet what its key says. */

import {
  FileHandle,
  type HandleToken,
  NativeBuffer,
  type Packet,
  type PoolThread,
  serve,
  type Task,
} from "../../../src/pool/thread.ts";
import process from "node:process";

/** What the pool's `data` is. */
export interface Data {
  /** See the numbers below. */
  counts: Int32Array;
  /** Where the thread is to fail: `module`, `start`, `stop`. */
  fail?: "start" | "exit at start" | "hang at start" | "stop" | "exit at stop";
  /** Threads that do fail, from 0 on; all by default. */
  failing?: number;
}

/** What stands where in `counts`. */
export const [BEGUN, DONE, GO, RUNNING, MOST, STARTED, STOPPED, LAST, BY_THREAD] = [
  0,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
];

/** What the keys from here on say; lower ones say nothing. */
export const FIRST_ACT = 1000;
export const [
  SPIN,
  SLEEP,
  BLOCKING,
  AWAIT,
  THROW,
  REJECT,
  EXIT,
  LATER_ERROR,
  EXIT_LATER,
  START_READ,
] = [1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009];

let counts: Int32Array;

function gone(): boolean {
  return Atomics.load(counts, GO) !== 0;
}

async function untilGone(): Promise<void> {
  while (!gone()) await new Promise((resolve) => setTimeout(resolve, 1));
}

function exit(): never {
  process.exit(0);
}

const ACTS: Record<number, (packet: Packet, thread: PoolThread) => void | Promise<void>> = {
  [SPIN]: () => {
    while (!gone());
  },
  [SLEEP]: () => void Atomics.wait(counts, GO, 0),
  [BLOCKING]: (_, thread) => void thread.blocking(() => Atomics.wait(counts, GO, 0)),
  [AWAIT]: () => untilGone(),
  [THROW]: ({ bytesTransferred }) => {
    throw new RangeError(`as it was told: ${bytesTransferred}`);
  },
  [REJECT]: async () => {
    await untilGone();
    throw new RangeError("as it was told, later");
  },
  [EXIT]: exit,
  [LATER_ERROR]: () => {
    setTimeout(() => {
      throw new Error("from nowhere");
    });
    return new Promise(() => {});
  },
  [EXIT_LATER]: async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    exit();
  },
};

function begin(thread: PoolThread): void {
  Atomics.add(counts, BEGUN, 1);
  Atomics.store(counts, LAST, thread.index);
  Atomics.add(counts, BY_THREAD + thread.index, 1);
  const running = Atomics.add(counts, RUNNING, 1) + 1;
  for (let most = Atomics.load(counts, MOST); running > most;) {
    most = Atomics.compareExchange(counts, MOST, most, running);
  }
}

function end(): void {
  Atomics.sub(counts, RUNNING, 1);
  Atomics.add(counts, DONE, 1);
}

function act(packet: Packet, thread: PoolThread): void | Promise<void> {
  begin(thread);
  let result: void | Promise<void> = undefined;
  try {
    result = ACTS[packet.key]?.(packet, thread);
  } finally {
    if (result === undefined) end();
  }
  return result?.finally(end);
}

serve({
  async start(thread) {
    const data = thread.data as Data;
    counts = data.counts;
    const place = Atomics.add(counts, STARTED, 1);
    if (place >= (data.failing ?? Infinity)) return;
    if (data.fail === "start") throw new RangeError("it cannot start");
    if (data.fail === "exit at start") exit();
    if (data.fail === "hang at start") await new Promise(() => {});
  },
  packet: act,
  callbacks: {
    first: (packet, thread) => {
      Atomics.add(counts, BY_THREAD + 100, packet.bytesTransferred);
      if (packet.error?.name === "ERROR_HANDLE_EOF") Atomics.add(counts, BY_THREAD + 102, 1);
      return act(packet, thread);
    },
    second: (packet, thread) => {
      Atomics.add(counts, BY_THREAD + 101, packet.bytesTransferred);
      return act(packet, thread);
    },
  },
  tasks: {
    add: ([a, b]: [number, number]) => a + b,
    echo: (value: unknown) => value,
    echoLater: async (value: unknown) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return value;
    },
    throw: (value: unknown) => {
      throw value;
    },
    fail: (kind: string) => {
      if (kind === "range") throw new RangeError("out of it", { cause: new TypeError("this") });
      if (kind === "win32") FileHandle.open("/no/such/folder/and/file");
      throw new DOMException("not here", "NotFoundError");
    },
    act: (key: number, task: Task) => {
      const none = { bytesTransferred: 0, overlapped: 0, operation: null, error: null };
      return act({ key, ...none }, task.thread);
    },
    pollAborted: (_: unknown, task: Task) => {
      Atomics.add(counts, BEGUN, 1);
      while (!task.isAborted);
      return "told";
    },
    awaitAborted: async (_: unknown, task: Task) => {
      Atomics.add(counts, BEGUN, 1);
      const { signal } = task;
      if (!signal.aborted) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      }
      throw signal.reason;
    },
    fill: ({ buffer, value }: { buffer: NativeBuffer; value: number }) => {
      buffer.bytes.fill(value);
      return buffer.byteLength;
    },
    make: (byteLength: number) => {
      const buffer = NativeBuffer.allocate(byteLength);
      buffer.bytes.fill(7);
      return { buffer };
    },
    exitWith: () => exit(),
    give: ([buffer]: [NativeBuffer]) => buffer,
    uncloneable: () => () => 1,
    thread: (_: unknown, { thread }: Task) => [thread.index, thread.name, thread.isClosing],
    /** Takes packets from the pool's port, which is not allowed. */
    take: (_: unknown, { thread }: Task) => thread.port.get(0),
    post: (key: number, { thread }: Task) => thread.port.post({ key }),
    read: (token: HandleToken, { thread }: Task) => {
      const file = FileHandle.attach(token);
      using buffer = NativeBuffer.allocate(16);
      file.read(buffer, 0, thread.index);
    },
  },
  stop(thread) {
    Atomics.add(counts, STOPPED, 1);
    const data = thread.data as Data;
    if (data.fail === "stop") throw new RangeError("it cannot stop");
    if (data.fail === "exit at stop") exit();
  },
});
