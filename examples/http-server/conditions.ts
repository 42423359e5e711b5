/**
 * Whether a client needs to be sent what it asks for: RFC 9110, 13.
 *
 * @module
 */

import { Refusal } from "./refusal.ts";

/** What tells one state of a file from another. */
export interface Validators {
  /** With its quotes. */
  readonly tag: string;
  /** When it was last modified, in whole seconds since 1970. */
  readonly modifiedSeconds: number;
}

type Fields = ReadonlyMap<string, string>;

/** What a request may have that the answer depends on. */
const CONDITIONS: readonly string[] = [
  "if-match",
  "if-unmodified-since",
  "if-none-match",
  "if-modified-since",
  "range",
];

/** Whether the answer depends on nothing but the file. */
export function isPlain(fields: Fields): boolean {
  for (const name of CONDITIONS) if (fields.has(name)) return false;
  return true;
}

/**
 * Whether the client has this state already.
 *
 * @throws {Refusal} 412 if it wants another one, or nothing.
 */
export function isKnown(fields: Fields, state: Validators): boolean {
  const wanted = fields.get("if-match");
  const before = seconds(fields.get("if-unmodified-since"));
  const isOther = wanted === undefined
    ? before !== null && state.modifiedSeconds > before
    : !names(wanted, state.tag, false);
  if (isOther) throw new Refusal(412, "the file has changed");
  const known = fields.get("if-none-match");
  if (known !== undefined) return names(known, state.tag, true);
  const since = seconds(fields.get("if-modified-since"));
  return since !== null && state.modifiedSeconds <= since;
}

/** Whether a part is of use: the rest of it is of this state. */
export function isSameState(fields: Fields, state: Validators): boolean {
  const other = fields.get("if-range");
  if (other === undefined) return true;
  return other.startsWith('"') ? other === state.tag : seconds(other) === state.modifiedSeconds;
}

/** Whether a list of tags has this one, or stands for any. */
function names(list: string, tag: string, isWeakEnough: boolean): boolean {
  if (list.trim() === "*") return true;
  // Between quotes there may be commas.
  for (const [, weak, found] of list.matchAll(/(W\/)?("[^"]*")/g)) {
    if (found === tag && (isWeakEnough || weak === undefined)) return true;
  }
  return false;
}

/** The seconds of a date, in the form that servers send; `null` if it is none. */
function seconds(date: string | undefined): number | null {
  if (date === undefined || !/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} [\d:]{8} GMT$/.test(date)) {
    return null;
  }
  const at = Date.parse(date);
  return Number.isNaN(at) ? null : at / 1000;
}
