import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort } from "../../mod.ts";
import { itUnless, startWorker, unlessConcurrency, unlessWaitingIsTold, until } from "./fixture.ts";
import type { Waited } from "./workers/wait.ts";

/** Threads that wait on a port, begun one by one: the last is the newest. */
async function startWaiters(
  port: CompletionPort,
  timeouts: (number | undefined)[],
): Promise<Promise<Waited>[]> {
  const waiters: Promise<Waited>[] = [];
  for (const timeoutMs of timeouts) {
    waiters.push(startWorker<Waited>("wait", { port: port.token, timeoutMs }));
    const count = waiters.length;
    await until(() => port.counters.waiting === count, `${count} threads wait`);
  }
  return waiters;
}

describe("order", () => {
  it("case 43: packets come in the order of their posting, however many are taken at once", () => {
    using port = new CompletionPort();
    const keys: number[] = [];
    let posted = 0;
    for (let round = 1; posted < 20_000; round++) {
      for (let i = 0; i < round % 97; i++) port.post({ key: posted++ });
      for (const { key } of port.getMany(round % 89 + 1, 0)) keys.push(key);
      const one = port.get(0);
      if (one !== null) keys.push(one.key);
    }
    for (let batch = port.getMany(1024, 0); batch.length > 0; batch = port.getMany(1024, 0)) {
      for (const { key } of batch) keys.push(key);
    }
    assertEquals(keys.length, posted);
    assertEquals(keys.findIndex((key, index) => key !== index), -1);
  });

  itUnless(
    unlessWaitingIsTold,
    "case 45, promise 3: the thread that began to wait last is released first",
    async () => {
      using port = new CompletionPort({ concurrency: 8 });
      const waiters = await startWaiters(port, [undefined, undefined, undefined, undefined]);
      for (const [key, newest] of [[100, 3], [101, 2], [102, 1], [103, 0]]) {
        port.post({ key });
        assertEquals((await waiters[newest]).keys, [key]);
        assertEquals(port.counters.waiting, newest);
      }
    },
  );

  itUnless(
    unlessWaitingIsTold,
    "case 46: of a burst the newest waiter gets the oldest packet, the next-newest the next",
    async () => {
      using port = new CompletionPort({ concurrency: 8 });
      const waiters = await startWaiters(port, [undefined, undefined, undefined, undefined]);
      for (const key of [100, 101, 102, 103]) port.post({ key });
      const keys = (await Promise.all(waiters)).map((waited) => waited.keys);
      assertEquals(keys, [[103], [102], [101], [100]]);
    },
  );

  itUnless(
    unlessConcurrency,
    "case 47: a running thread that asks again gets the queued packet; no waiter wakes",
    async () => {
      using port = new CompletionPort({ concurrency: 1 });
      const waiter = startWorker<Waited>("wait", { port: port.token });
      if (port.counters.waiting !== null) {
        await until(() => port.counters.waiting === 1, "a thread waits");
      }
      // From here to the last `get` this thread does not block: it is the one that may run.
      const bound = port.get(0);
      port.post({ key: 47 });
      const queued = port.counters.queued;
      const first = port.get(0)?.key;
      port.post({ key: 48 });
      const second = port.get(0)?.key;
      port.post({ key: 49 });
      assertEquals([bound, queued, first, second], [null, 1, 47, 48]);
      leave();
      assertEquals((await waiter).keys, [49]);
    },
  );

  itUnless(
    unlessWaitingIsTold,
    "case 49: a thread that gave up waiting has left; the packet stays for the next that asks",
    async () => {
      // One that has given up is counted until it is seen to have ended (52): there is room for two.
      using port = new CompletionPort({ concurrency: 2 });
      const waiter = startWorker<Waited>("wait", { port: port.token, timeoutMs: 20 });
      assertEquals(await waiter, { keys: [], code: 0, call: "" });
      assertEquals(port.counters.waiting, 0);
      port.post({ key: 1 });
      assertEquals(port.counters.queued, 1);
      assertEquals(port.get(0)?.key, 1);
    },
  );

  it("case 49: after a wait of its own has timed out, a thread finds the next packet queued", () => {
    using port = new CompletionPort();
    assertEquals(port.get(2), null);
    port.post({ key: 1 });
    assertEquals(port.counters.queued, 1);
    assertEquals(port.getMany(4, 0).length, 1);
  });

  itUnless(
    unlessWaitingIsTold,
    "case 49: one that gives up between two others leaves their order as it was",
    async () => {
      using port = new CompletionPort({ concurrency: 8 });
      const [oldest] = await startWaiters(port, [undefined]);
      let hasGivenUp = false;
      const quitter = startWorker<Waited>("wait", { port: port.token, timeoutMs: 1000 });
      const givenUp = quitter.then((waited) => {
        hasGivenUp = true;
        return waited;
      });
      await until(() => hasGivenUp || port.counters.waiting === 2, "the second thread waits");
      const newest = startWorker<Waited>("wait", { port: port.token });
      // On a slow machine the second has given up before the third begins: the outcome is the same.
      await until(() => port.counters.waiting === (hasGivenUp ? 2 : 3), "the newest thread waits");
      assertEquals((await givenUp).keys, []);
      await until(() => port.counters.waiting === 2, "two threads wait");
      port.post({ key: 1 });
      port.post({ key: 2 });
      assertEquals([(await oldest).keys, (await newest).keys], [[2], [1]]);
    },
  );

  /** This thread stops counting for the port it was bound to: it belongs to another one now. */
  function leave(): void {
    using other = new CompletionPort();
    other.get(0);
  }
});
