/**
 * The part of a command line that is the same for all servers.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { type Mistake, mistake } from "../program/command-line.ts";

/** Where to serve. */
export interface Place {
  /** A literal address, or a name. */
  readonly hostname: string;
  readonly port: number;
}

/** Where to serve, and how. */
export interface Serving extends Place {
  readonly threads: number;
  /** Clients at once. */
  readonly clients: number;
}

const MAX_THREADS = 128;
const MAX_CLIENTS = 60_000;

/** The options of a server that `--help` explains by `PLACE_HELP`; for `readOptions`. */
export function placeOptions(port: number) {
  return {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", short: "p", default: String(port) },
  } as const;
}

/** The options of a server with threads and connections that `--help` explains by `servingHelp`. */
export function servingOptions(port: number, clients: number) {
  return {
    ...placeOptions(port),
    threads: { type: "string", default: String(Math.min(availableParallelism(), MAX_THREADS)) },
    clients: { type: "string", default: String(clients) },
  } as const;
}

/** What `--help` says of `placeOptions`. */
export function placeHelp(port: number): string {
  return `      --host ADDRESS  where to serve; 0.0.0.0 or :: for everybody (127.0.0.1)
  -p, --port PORT     0: any that is free (${port})
`;
}

/** What `--help` says of `servingOptions`. */
export function servingHelp(port: number, clients: number): string {
  return `${
    placeHelp(port)
  }      --threads N     threads that serve (as many as there are processors)
      --clients N     clients at once; further ones wait for their turn (${clients})
`;
}

/** Reads what `placeOptions` has let in. */
export function readPlace(values: { host: string; port: string }): Place | Mistake {
  const port = numberIn(values.port, 0, 65_535);
  if (port === null) return mistake(`--port takes a number from 0 to 65535, not '${values.port}'`);
  if (values.host === "") return mistake("--host takes an address");
  return { hostname: values.host, port };
}

/** Reads what `servingOptions` has let in. */
export function readServing(
  values: { host: string; port: string; threads: string; clients: string },
): Serving | Mistake {
  const place = readPlace(values);
  if ("kind" in place) return place;
  const threads = numberIn(values.threads, 1, MAX_THREADS);
  if (threads === null) {
    return mistake(`--threads takes a number from 1 to ${MAX_THREADS}, not '${values.threads}'`);
  }
  const clients = numberIn(values.clients, 1, MAX_CLIENTS);
  if (clients === null) {
    return mistake(`--clients takes a number from 1 to ${MAX_CLIENTS}, not '${values.clients}'`);
  }
  return { ...place, threads, clients };
}

/** A whole number in a range; `null` if the text is none. */
export function numberIn(text: string, min: number, max: number): number | null {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  return number >= min && number <= max ? number : null;
}
