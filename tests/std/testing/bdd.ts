/**
 * Stand-in for `@std/testing/bdd`, so that the suite runs where JSR can't be reached, and under Bun.
 *
 * Same names and meanings as the package, for the forms the tests use: a test is a name and a
 * function, with options between, or one object of options. Under Bun it hands on to `bun:test`.
 * Under Deno each test becomes one `Deno.test` called "suite > name", so that `--filter` reaches
 * each test and a report counts every test once.
 *
 * @module
 */

/** Milliseconds a test or hook may take: the same in both runtimes, ample for a busy machine. */
const TIMEOUT_MS = 120_000;

/** What a test or a hook does. */
export type TestFunction = () => void | Promise<void>;

/** How a test or suite is to be run. */
export interface TestOptions {
  /** What it is called in the report. */
  name?: string;
  /** Its body. */
  fn?: TestFunction;
  /** Reported as skipped, not run. */
  ignore?: boolean;
  /** Run nothing but this and others marked so. */
  only?: boolean;
}

/** The forms in which a test or suite is declared. */
type Declaration =
  | [name: string, fn: TestFunction]
  | [name: string, options: TestOptions, fn?: TestFunction]
  | [options: TestOptions, fn?: TestFunction]
  | [fn: TestFunction];

/** A function that declares tests or suites. */
export interface Declare {
  (...declaration: Declaration): void;
  /** Declares one that is reported as skipped. */
  skip(...declaration: Declaration): void;
  /** The same as `skip`. */
  ignore(...declaration: Declaration): void;
  /** Declares one that runs while those not marked so don't. */
  only(...declaration: Declaration): void;
}

/** A declaration in the one form that the back ends take. */
interface Entry {
  name: string;
  fn: TestFunction;
  ignore: boolean;
  only: boolean;
}

/** The names of the hooks. */
type HookName = "beforeAll" | "afterAll" | "beforeEach" | "afterEach";

/** What a runtime has to offer. */
interface Backend {
  describe(entry: Entry): void;
  it(entry: Entry): void;
  hook(name: HookName, fn: TestFunction): void;
}

/** The part of `bun:test` that is used. */
interface BunDeclare {
  (name: string, fn: TestFunction, timeoutMs?: number): void;
  skip: BunDeclare;
  only: BunDeclare;
}
interface BunTest extends Record<HookName, (fn: TestFunction, timeoutMs?: number) => void> {
  describe: BunDeclare;
  it: BunDeclare;
}

function bunBackend(bun: BunTest): Backend {
  const pick = (declare: BunDeclare, { ignore, only }: Entry) =>
    ignore ? declare.skip : only ? declare.only : declare;
  return {
    describe: (entry) => pick(bun.describe, entry)(entry.name, entry.fn),
    // A wrapper without parameters: to a function that has one, Bun passes a "done" callback.
    it: (entry) => pick(bun.it, entry)(entry.name, () => entry.fn(), TIMEOUT_MS),
    hook: (name, fn) => bun[name](() => fn(), TIMEOUT_MS),
  };
}

/** A `describe`, or the file around them all. */
interface Suite extends Record<HookName, TestFunction[]> {
  name: string;
  ignore: boolean;
  only: boolean;
  parent: Suite | null;
  /** Tests still to run; the last one runs the `afterAll` hooks. */
  remaining: number;
  /** Its `beforeAll` hooks, once the first test has started them. */
  begun: Promise<void> | null;
}

async function callAll(hooks: TestFunction[]): Promise<void> {
  for (const hook of hooks) await hook();
}

function denoBackend(): Backend {
  const suites: Suite[] = [];
  let current = openSuite({ name: "", ignore: false, only: false }, null);

  function openSuite(entry: Omit<Entry, "fn">, parent: Suite | null): Suite {
    const suite: Suite = {
      name: parent?.name ? `${parent.name} > ${entry.name}` : entry.name,
      ignore: entry.ignore || (parent?.ignore ?? false),
      only: entry.only || (parent?.only ?? false),
      parent,
      remaining: 0,
      begun: null,
      beforeAll: [],
      afterAll: [],
      beforeEach: [],
      afterEach: [],
    };
    suites.push(suite);
    return suite;
  }

  async function run(inner: Suite, fn: TestFunction): Promise<void> {
    const inward: Suite[] = [];
    for (let suite: Suite | null = inner; suite; suite = suite.parent) inward.unshift(suite);
    const outward = inward.toReversed();
    try {
      for (const suite of inward) await (suite.begun ??= callAll(suite.beforeAll));
      try {
        for (const suite of inward) await callAll(suite.beforeEach);
        await fn();
      } finally {
        for (const suite of outward) await callAll(suite.afterEach);
      }
    } finally {
      for (const suite of outward) {
        if (--suite.remaining === 0) await callAll(suite.afterAll);
      }
    }
  }

  // A filter or `only` leaves tests out: then no last one comes by, and this closes the suites.
  Deno.test.afterAll(async () => {
    for (const suite of suites.toReversed()) {
      if (suite.begun && suite.remaining > 0) await callAll(suite.afterAll);
    }
  });

  return {
    describe(entry) {
      const outer = current;
      current = openSuite(entry, outer);
      try {
        entry.fn();
      } finally {
        current = outer;
      }
    },
    it(entry) {
      const suite = current;
      const ignore = entry.ignore || suite.ignore;
      if (!ignore) {
        for (let s: Suite | null = suite; s; s = s.parent) s.remaining++;
      }
      const definition = {
        name: suite.name ? `${suite.name} > ${entry.name}` : entry.name,
        fn: () => run(suite, entry.fn),
        ignore,
        only: entry.only || suite.only,
        timeout: TIMEOUT_MS,
      };
      Deno.test(definition);
    },
    hook: (name, fn) => void current[name].push(fn),
  };
}

const backend = "Bun" in globalThis
  ? bunBackend(await import("bun:test") as unknown as BunTest)
  : denoBackend();

function toEntry(declaration: Declaration): Entry {
  let entry: TestOptions = {};
  for (const part of declaration) {
    if (typeof part === "string") entry = { ...entry, name: part };
    else if (typeof part === "function") entry = { name: part.name, ...entry, fn: part };
    else entry = { ...entry, ...part };
  }
  const { name, fn, ignore = false, only = false } = entry;
  if (!name) throw new TypeError("A test needs a name");
  if (!fn) throw new TypeError(`Test "${name}" needs a function`);
  return { name, fn, ignore, only };
}

function declarer(declare: (entry: Entry) => void): Declare {
  const skip = (...it: Declaration) => declare({ ...toEntry(it), ignore: true });
  return Object.assign((...it: Declaration) => declare(toEntry(it)), {
    skip,
    ignore: skip,
    only: (...it: Declaration) => declare({ ...toEntry(it), only: true }),
  });
}

/** Declares a suite: tests that belong together, with hooks of their own. */
export const describe: Declare = declarer(backend.describe);

/** Declares a test. */
export const it: Declare = declarer(backend.it);

/** The same as `it`. */
export const test: Declare = it;

/** Runs `fn` before the first test of the suite. */
export function beforeAll(fn: TestFunction): void {
  backend.hook("beforeAll", fn);
}

/** Runs `fn` after the last test of the suite. */
export function afterAll(fn: TestFunction): void {
  backend.hook("afterAll", fn);
}

/** Runs `fn` before each test of the suite. */
export function beforeEach(fn: TestFunction): void {
  backend.hook("beforeEach", fn);
}

/** Runs `fn` after each test of the suite, also after one that failed. */
export function afterEach(fn: TestFunction): void {
  backend.hook("afterEach", fn);
}

/** The same as `beforeAll`. */
export const before = beforeAll;

/** The same as `afterAll`. */
export const after = afterAll;
