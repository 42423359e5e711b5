/**
 * The algorithm of the port, explored: every order of events of small cases, and
 * proof that the walk would find what it looks for.
 *
 * @module
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { MUST_RELEASE, POSTED } from "../../../src/system/linux/fifo.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import type { Queue } from "../../../src/system/linux/queue.ts";
import {
  type Act,
  keysInside,
  type MakeQueue,
  portOf,
  queuedKeys,
  realQueue,
  walk,
  type World,
  worldOf,
} from "./explore.ts";

const post = (key: number): Act => ({ do: "post", key });
const complete = (key: number): Act => ({ do: "complete", key });
const take: Act = { do: "take" };
const takeMany: Act = { do: "take", max: 3 };
const takeOrGiveUp: Act = { do: "take", mayTimeOut: true };
const close: Act = { do: "close" };
const block: Act = { do: "block" };

function posted(world: World): number {
  return world.threads.flatMap(({ results }) => results)
    .filter((result) => result === "posted").length;
}

/** No packet is lost or doubled: what was posted is inside or was taken, once. */
function checkPackets(world: World, all: number[]): void {
  const taken = batches(world).flat();
  const inside = keysInside(world);
  const keys = [...taken, ...inside];
  assertEquals(new Set(keys).size, keys.length, `a packet is there twice: ${keys}`);
  if (world.isOpen) assertEquals(keys.length, posted(world), "a packet is lost");
  assert(keys.every((key) => all.includes(key)), "a packet that nobody posted");
  assert(world.isOpen || portOf(world).queued === 0, "a packet in the queue of a closed port");
}

/** What one thread has posted leaves in that order: keys are numbered through, thread by thread. */
function checkOrder(world: World, programs: Act[][]): void {
  for (const program of programs) {
    const own = program.flatMap((act) => "key" in act ? [act.key] : []);
    const lists = [queuedKeys(world), ...batches(world)];
    for (const list of lists) {
      const mine = list.filter((key) => own.includes(key));
      assertEquals(mine, mine.toSorted((a, b) => a - b), "not first in, first out");
    }
  }
}

function batches(world: World): number[][] {
  return world.threads.flatMap(({ results }) => results)
    .flatMap((result) => Array.isArray(result) ? [result] : []);
}

/** Nothing more can happen: then nobody sleeps who has a packet, or could have one. */
function checkEnd(world: World, concurrency: number): void {
  const { active, queued } = portOf(world);
  world.threads.forEach((thread, index) => {
    if (thread.acts.length === 0) return;
    assert(thread.at === "asleep", `a thread stands still at ${thread.at}`);
    const state = world.words[layout.threadAt(index) + layout.T_STATE];
    assert(state !== layout.STATE_HANDED, "lost wake-up: a thread sleeps with its packet");
    assert(state !== layout.STATE_ABANDONED, "lost wake-up: a thread sleeps on a closed port");
    assert(world.isOpen, "a thread waits on a closed port");
    assert(queued === 0 || active >= concurrency, "a thread sleeps beside a packet it may take");
  });
}

/** Packets wait for running threads to be done: then a waiter looks whether those have blocked. */
function checkWatcher(world: World, concurrency: number): void {
  const { active, queued, waiting, watcher, isAwaited } = portOf(world);
  assert(waiting === 0 || queued > 0 || isAwaited, "nobody is told that a thread waits");
  // Who has posted is about to see to it.
  if (world.threads.some(({ at }) => at === "mustRelease")) return;
  if (queued === 0 || waiting === 0 || active < concurrency) return;
  assert(watcher !== 0, "no watcher: a thread that blocks is never noticed");
  const state = world.words[layout.threadAt(watcher - 1) + layout.T_STATE];
  assertEquals(state, layout.STATE_WATCHING, "the watcher does not wait as one");
}

function explore(concurrency: number, programs: Act[][], make: MakeQueue = realQueue): number {
  const all = programs.flat().flatMap((act) => "key" in act ? [act.key] : []);
  const mayExceed = programs.flat().some((act) =>
    act.do === "block" || act.do === "take" && act.mayTimeOut
  );
  return walk(worldOf(concurrency, programs), (world, isEnd) => {
    const { active } = portOf(world);
    assert(active >= 0, "the count is negative");
    if (!mayExceed) assert(active <= concurrency, `${active} active of ${concurrency}`);
    checkPackets(world, all);
    checkOrder(world, programs);
    checkWatcher(world, concurrency);
    if (isEnd) checkEnd(world, concurrency);
  }, make);
}

const CASES: { name: string; concurrency: number; programs: Act[][] }[] = [
  { name: "one takes, one posts", concurrency: 1, programs: [[take, take], [post(1), post(2)]] },
  {
    name: "two take, one posts",
    concurrency: 1,
    programs: [[take, take], [take], [post(1), post(2), post(3)]],
  },
  {
    name: "two take, two may run",
    concurrency: 2,
    programs: [[take, take], [take], [post(1), post(2), post(3)]],
  },
  {
    name: "two post, one takes many",
    concurrency: 1,
    programs: [[takeMany, takeMany], [post(1), post(2)], [post(3)]],
  },
  {
    name: "two post, two take many",
    concurrency: 1,
    programs: [[takeMany], [takeMany], [post(1)], [post(2)]],
  },
  {
    name: "operations complete while others post",
    concurrency: 2,
    programs: [[takeMany, take], [post(1), post(2)], [complete(3), complete(4)]],
  },
  {
    name: "more is posted than has room at first",
    concurrency: 1,
    programs: [[post(1), post(2), post(3)], [post(4), post(5)], [takeMany]],
  },
  {
    name: "closed while others post",
    concurrency: 1,
    programs: [[takeMany], [post(1), post(2)], [post(3)], [close]],
  },
  {
    name: "a thread gives up",
    concurrency: 1,
    programs: [[takeOrGiveUp, takeOrGiveUp], [take], [post(1), post(2)]],
  },
  {
    name: "all give up",
    concurrency: 2,
    programs: [[takeOrGiveUp], [takeOrGiveUp], [post(1), post(2)]],
  },
  {
    name: "closed while threads come and wait",
    concurrency: 1,
    programs: [[take, take], [take], [post(1), close]],
  },
  {
    name: "closed while threads give up",
    concurrency: 2,
    programs: [[takeOrGiveUp, take], [takeMany], [post(1), close]],
  },
  {
    name: "a thread blocks",
    concurrency: 1,
    programs: [[take, block, take], [take], [post(1), post(2), post(3)]],
  },
  {
    name: "the watcher gives up",
    concurrency: 1,
    programs: [[post(1), take, post(2)], [takeOrGiveUp], [takeOrGiveUp]],
  },
  {
    name: "the queue grows while it is wrapped",
    concurrency: 1,
    programs: [[post(1), post(2), take, post(3), post(4), takeMany], [take]],
  },
];

/** What goes wrong first in the cases, or in the one that is named. */
function failureOf(make: MakeQueue, only?: string): string {
  for (const { name, concurrency, programs } of CASES) {
    if (name !== (only ?? name)) continue;
    try {
      explore(concurrency, programs, make);
    } catch (error) {
      return String(error);
    }
  }
  return "no failure";
}

/** The queue, with one thing wrong in it. */
function broken(change: (queue: Queue, words: Int32Array<ArrayBuffer>) => void): MakeQueue {
  return (words, packetsOf, memory) => {
    const queue = realQueue(words, packetsOf, memory);
    change(queue, words);
    return queue;
  };
}

describe("the algorithm of the port, explored", () => {
  for (const { name, concurrency, programs } of CASES) {
    it(`${name}: nothing lost, nothing twice, no lost wake-up, the count holds`, () => {
      assertGreater(explore(concurrency, programs), 20);
    });
  }

  it("broken on purpose: a hand-over that does not wake", () => {
    const wrong = broken((queue) => {
      const release = queue.release.bind(queue);
      queue.release = () => {
        release();
        queue.released.length = 0;
      };
    });
    assert(failureOf(wrong).includes("lost wake-up"), failureOf(wrong));
  });

  it("broken on purpose: posting without handing over", () => {
    const wrong = broken((queue) => {
      const endPost = queue.endPost.bind(queue);
      queue.endPost = (...packet) => {
        const answer = endPost(...packet);
        return answer === MUST_RELEASE ? POSTED : answer;
      };
    });
    assert(failureOf(wrong).includes("beside a packet"), failureOf(wrong));
  });

  it("broken on purpose: who posts is not told that somebody waits", () => {
    const wrong: MakeQueue = (words, packetsOf, memory) =>
      realQueue(words, packetsOf, { ...memory, or: (at) => memory.load(at) });
    assert(failureOf(wrong).includes("nobody is told"), failureOf(wrong));
  });

  it("broken on purpose: who lies down does not look again", () => {
    const wrong: MakeQueue = (words, packetsOf, memory) =>
      realQueue(words, packetsOf, {
        ...memory,
        or(at, bits) {
          memory.or(at, bits);
          return words[layout.PORTS + layout.P_HEAD];
        },
      });
    assert(failureOf(wrong).includes("beside a packet"), failureOf(wrong));
  });

  it("broken on purpose: posting whether there is room or not", () => {
    const wrong = broken((queue, words) => {
      const beginPost = queue.beginPost.bind(queue);
      queue.beginPost = (thread) => {
        words[layout.PORTS + layout.P_LIMIT] = -1;
        return beginPost(thread);
      };
    });
    assert(/lost|twice/.test(failureOf(wrong)), failureOf(wrong));
  });

  it("broken on purpose: posting to a port whose handle is closed", () => {
    const wrong = broken((queue, words) => {
      const endPost = queue.endPost.bind(queue);
      queue.endPost = (tail, lifeAt, _life, ...packet) =>
        endPost(tail, lifeAt, words[lifeAt], ...packet);
    });
    const failure = failureOf(wrong, "closed while others post");
    assert(failure.includes("of a closed port"), failure);
  });

  it("broken on purpose: releasing whatever the count says", () => {
    const wrong = broken((queue, words) => {
      const release = queue.release.bind(queue);
      const limit = layout.PORTS + layout.P_CONCURRENCY;
      queue.release = () => {
        const concurrency = words[limit];
        words[limit] = 9;
        release();
        words[limit] = concurrency;
      };
    });
    assert(failureOf(wrong).includes("active of"), failureOf(wrong));
  });

  it("broken on purpose: a packet that stays in the queue when it is taken", () => {
    const wrong = broken((queue, words) => {
      const step = queue.step.bind(queue);
      queue.step = (thread, into, max, isLate) => {
        const head = words[layout.PORTS + layout.P_HEAD];
        const answer = step(thread, into, max, isLate);
        if (answer > 1) words[layout.PORTS + layout.P_HEAD] = head + 1;
        return answer;
      };
    });
    const failure = failureOf(wrong, "two post, one takes many");
    assert(failure.includes("twice"), failure);
  });

  it("broken on purpose: nobody is appointed to watch", () => {
    const wrong = broken((queue, words) => {
      const release = queue.release.bind(queue);
      queue.release = () => {
        release();
        words[layout.PORTS + layout.P_WATCHER] = 0;
      };
    });
    assert(failureOf(wrong).includes("no watcher"), failureOf(wrong));
  });

  it("broken on purpose: the watcher gives up and nobody follows", () => {
    const wrong = broken((queue, words) => {
      const release = queue.release.bind(queue);
      let hasLeft = false;
      const unpark = queue.unpark.bind(queue);
      queue.unpark = (thread) => {
        hasLeft = queue.isWatcher(thread);
        unpark(thread);
      };
      queue.release = () => {
        const before = words[layout.PORTS + layout.P_WATCHER];
        release();
        if (hasLeft && before === 0) words[layout.PORTS + layout.P_WATCHER] = 0;
      };
    });
    const failure = failureOf(wrong, "the watcher gives up");
    assert(failure.includes("no watcher"), failure);
  });

  it("broken on purpose: closing forgets those that wait", () => {
    const wrong = broken((queue) => queue.abandon = () => {});
    const failure = failureOf(wrong, "closed while threads come and wait");
    assert(failure.includes("closed port"), failure);
  });
});
