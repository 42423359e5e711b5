/**
 * Stand-in for `@std/assert`, so that the suite runs where JSR can't be reached.
 *
 * Same names, signatures and meanings as the package, for the functions the tests use; the
 * comparing is `node:assert`'s. It is stricter in two corners, so what passes here passes there:
 * `0` is not equal to `-0`, nor an object to one without a prototype.
 *
 * @module
 */

import nodeAssert from "node:assert/strict";

/** What a failed assertion throws. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** The class of an error, as `assertThrows` takes it; abstract and private constructors too. */
type ErrorClass<E extends Error> = abstract new (...args: never[]) => E;

/** Throws unless `holds`; the caller's own words are added to what was expected. */
function expect(holds: boolean, expected: () => string, msg?: string): asserts holds {
  if (holds) return;
  throw new AssertionError(expected() + (msg === undefined ? "" : `: ${msg}`));
}

/** Whether `compare`, a function of `node:assert`, is content; if not, what it says. */
function complaint(compare: () => void): string | null {
  try {
    compare();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value); // a bigint inside, or a cycle
  }
}

export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

export function assertFalse(expr: unknown, msg = ""): asserts expr is false {
  if (expr) throw new AssertionError(msg);
}

export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  const said = complaint(() => nodeAssert.deepStrictEqual(actual, expected));
  expect(said === null, () => `Values are not equal. ${said}`, msg);
}

export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  const said = complaint(() => nodeAssert.notDeepStrictEqual(actual, expected));
  expect(said === null, () => `Values are equal: ${show(actual)}`, msg);
}

export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  const same = Object.is(actual, expected);
  expect(same, () => `Expected ${show(expected)} itself, got ${show(actual)}`, msg);
}

export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void {
  const same = Object.is(actual, expected);
  expect(!same, () => `Expected anything but ${show(expected)}`, msg);
}

export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  const exists = actual !== undefined && actual !== null;
  expect(exists, () => `Expected a value, got ${show(actual)}`, msg);
}

export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: abstract new (...args: never[]) => T,
  msg?: string,
): asserts actual is T {
  const is = actual instanceof expectedType;
  expect(is, () => `Expected an instance of ${expectedType.name}, got ${show(actual)}`, msg);
}

export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  expect(expected.test(actual), () => `Expected ${show(actual)} to match ${expected}`, msg);
}

export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void {
  expect(!expected.test(actual), () => `Expected ${show(actual)} not to match ${expected}`, msg);
}

export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  const has = actual.includes(expected);
  expect(has, () => `Expected ${show(actual)} to contain ${show(expected)}`, msg);
}

export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  msg?: string,
): void {
  const has = (wanted: T) =>
    Array.from(actual).some((it) =>
      complaint(() => nodeAssert.deepStrictEqual(it, wanted)) === null
    );
  const missing = Array.from(expected).filter((wanted) => !has(wanted));
  expect(missing.length === 0, () => `${show(actual)} lacks ${show(missing)}`, msg);
}

export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  expect(actual > expected, () => `Expected ${show(actual)} > ${show(expected)}`, msg);
}

export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  expect(actual >= expected, () => `Expected ${show(actual)} >= ${show(expected)}`, msg);
}

export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  expect(actual < expected, () => `Expected ${show(actual)} < ${show(expected)}`, msg);
}

export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  expect(actual <= expected, () => `Expected ${show(actual)} <= ${show(expected)}`, msg);
}

export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const allowed = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  const near = Math.abs(expected - actual) <= allowed;
  expect(near, () => `Expected ${actual} within ${allowed} of ${expected}`, msg);
}

/** What `assertThrows` and `assertRejects` take after the function. */
type ErrorExpectation<E extends Error> =
  | [msg?: string | undefined]
  | [errorClass: ErrorClass<E>, msgIncludes?: string | undefined, msg?: string | undefined];

/** The thrown `error`, once it is found to be what was expected. */
function checkError<E extends Error>(error: unknown, expectation: ErrorExpectation<E>): unknown {
  const [errorClass, msgIncludes, msg] = expectation;
  if (typeof errorClass !== "function") return error;
  expect(error instanceof Error, () => `A non-Error was thrown: ${show(error)}`, msg);
  const is = error instanceof errorClass;
  expect(is, () => `Expected ${errorClass.name}, got ${show(error)}`, msg);
  if (msgIncludes) assertStringIncludes(error.message, msgIncludes, msg);
  return error;
}

/** The caller's words: last of either form. */
function words<E extends Error>(expectation: ErrorExpectation<E>): string | undefined {
  return typeof expectation[0] === "function" ? expectation[2] : expectation[0];
}

export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error>(
  fn: () => unknown,
  ...expectation: ErrorExpectation<E>
): unknown {
  try {
    fn();
  } catch (error) {
    return checkError(error, expectation);
  }
  return expect(false, () => "Expected function to throw", words(expectation));
}

export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  ...expectation: ErrorExpectation<E>
): Promise<unknown> {
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch {
    throw new AssertionError("Function throws when expected to reject");
  }
  try {
    await promise;
  } catch (error) {
    return checkError(error, expectation);
  }
  return expect(false, () => "Expected function to reject", words(expectation));
}

export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${msg === undefined ? "." : `: ${msg}`}`);
}

export function unreachable(msg?: string): never {
  throw new AssertionError(msg ?? "Unreachable.");
}
