/**
 * The heads of answers, and short answers whole.
 *
 * @module
 */

import type { Refusal } from "./refusal.ts";

/** The reasons of the statuses that there are here. */
const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  206: "Partial Content",
  301: "Moved Permanently",
  304: "Not Modified",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  412: "Precondition Failed",
  416: "Range Not Satisfiable",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};

/** Names and values of fields. */
export type Fields = Readonly<Record<string, string | number>>;

/** An answer without a file: head, and text unless the request was for the head only. */
export function textAnswer(
  status: number,
  message: string,
  keepsAlive: boolean,
  fields: Fields = {},
  isHeadOnly = false,
): string {
  const text = `${status} ${REASONS[status]}: ${message}\n`;
  const head = headOf(status, keepsAlive, {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": new TextEncoder().encode(text).length,
    ...fields,
  });
  return isHeadOnly ? head : head + text;
}

/** The answer to what is refused. */
export function refusalAnswer(refusal: Refusal, keepsAlive: boolean, isHeadOnly: boolean): string {
  const { status, message, fields } = refusal;
  return textAnswer(status, message, keepsAlive, fields, isHeadOnly);
}

/** The head of an answer, its empty line with it. */
export function headOf(status: number, keepsAlive: boolean, fields: Fields): string {
  let head = `HTTP/1.1 ${status} ${REASONS[status]}\r\nServer: iocp\r\nDate: ${dateNow()}\r\n`;
  for (const name in fields) head += `${name}: ${fields[name]}\r\n`;
  // HTTP/1.0 has to be told that it is kept, HTTP/1.1 that it is not.
  return `${head}Connection: ${keepsAlive ? "keep-alive" : "close"}\r\n\r\n`;
}

let second = -1;
let date = "";

/** The date in the form of HTTP; made once a second. */
export function dateNow(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    date = new Date(now * 1000).toUTCString();
  }
  return date;
}
