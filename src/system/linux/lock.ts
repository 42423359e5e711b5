/**
 * The lock around a port: one word, taken by an atomic exchange when it is free,
 * slept on when it is not.
 *
 * The word is 0, or the owner's number, with `CONTENDED` beside it when others
 * may sleep on it. What it does to memory goes through `LockMemory`, so that the
 * tests can stop it before every single access.
 *
 * @module
 */

/** The accesses the lock is made of; the last two are futex(2)'s. */
export interface LockMemory {
  compareExchange(at: number, expected: number, value: number): number;
  exchange(at: number, value: number): number;
  load(at: number): number;
  /** Lets a moment pass between two looks. */
  pause(): void;
  /** Sleeps while the word is `value`, for some time. May return for no reason. */
  wait(at: number, value: number): void;
  /** Whether the thread that is this owner has ended. */
  isGone(owner: number): boolean;
  /** Wakes one thread that sleeps on the word. */
  wake(at: number): void;
}

/** Set in the word beside its owner when others may sleep on it. */
export const CONTENDED = -0x80000000;

/**
 * Takes the lock at word `at` for `owner`, a positive number. Not recursive. It is
 * held for a few hundred instructions, so a taken one is looked at `spins` times
 * before sleeping. True if it was inherited from a thread that has ended holding
 * it: what it guards is then as that thread has left it.
 */
export function acquire(memory: LockMemory, at: number, owner: number, spins: number): boolean {
  return memory.compareExchange(at, 0, owner) !== 0 && acquireContended(memory, at, owner, spins);
}

function acquireContended(memory: LockMemory, at: number, owner: number, spins: number): boolean {
  for (let spin = 0; spin < spins; spin++) {
    memory.pause();
    if (memory.load(at) === 0 && memory.compareExchange(at, 0, owner) === 0) return false;
  }
  for (;;) {
    const seen = memory.load(at);
    if (seen === 0) {
      // Whoever got here cannot know who else sleeps: it takes the mark along.
      if (memory.compareExchange(at, 0, owner | CONTENDED) === 0) return false;
    } else if (memory.isGone(seen & ~CONTENDED)) {
      if (memory.compareExchange(at, seen, owner | CONTENDED) !== seen) continue;
      if (memory.isGone(seen & ~CONTENDED)) return true;
      // It was inherited and given back meanwhile, and a thread that lives in that one's place has it now.
      memory.compareExchange(at, owner | CONTENDED, seen | CONTENDED);
    } else if (seen < 0 || memory.compareExchange(at, seen, seen | CONTENDED) === seen) {
      memory.wait(at, seen | CONTENDED);
    }
  }
}

/** Gives the lock at word `at` back. */
export function release(memory: LockMemory, at: number): void {
  if (memory.exchange(at, 0) < 0) memory.wake(at);
}
