/**
 * What the messages say: a call, and its answer, in JSON.
 *
 * @module
 */

/** Calls a function. */
export interface Call {
  readonly method: string;
  readonly parameters: readonly unknown[];
}

/** What came of a call. */
export type Answer = { readonly result: unknown } | { readonly error: string };

/** A message's bytes. */
export function encode(message: Call | Answer): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

/** The bytes of a message that came in pieces. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** The call in a message; `null` if it is none. */
export function readCall(bytes: Uint8Array): Call | null {
  const message = parse(bytes);
  if (message === null || !("method" in message) || !("parameters" in message)) return null;
  const { method, parameters } = message;
  return typeof method === "string" && Array.isArray(parameters) ? { method, parameters } : null;
}

/** The answer in a message; `null` if it is none. */
export function readAnswer(bytes: Uint8Array): Answer | null {
  const message = parse(bytes);
  if (message === null) return null;
  if ("error" in message) return { error: String(message.error) };
  return "result" in message ? { result: message.result } : null;
}

function parse(bytes: Uint8Array): object | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

const METHODS: Readonly<Record<string, (...parameters: readonly unknown[]) => unknown>> = {
  echo: (...parameters) => parameters,
  sum: (...parameters) => {
    if (!parameters.every((value) => typeof value === "number")) {
      throw new TypeError("sum takes numbers");
    }
    return parameters.reduce((sum, value) => sum + value, 0);
  },
  upper: (text) => {
    if (typeof text !== "string") throw new TypeError("upper takes a text");
    return text.toUpperCase();
  },
  time: () => new Date().toISOString(),
  methods: () => Object.keys(METHODS),
};

/** Does what a message asks for. Whatever it says, there is an answer. */
export function answerTo(bytes: Uint8Array): Answer {
  const call = readCall(bytes);
  if (call === null) return { error: "the message is no call" };
  if (!Object.hasOwn(METHODS, call.method)) return { error: `there is no method '${call.method}'` };
  try {
    return { result: METHODS[call.method](...call.parameters) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
