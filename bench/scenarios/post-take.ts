/**
 * Posting packets and taking them.
 *
 * @module
 */

import process from "node:process";
import type { Scenario } from "../scenario.ts";
import { alone } from "./post-take/alone.ts";
import { flows } from "./post-take/flow.ts";
import { pingPongs } from "./post-take/ping-pong.ts";

const isBun = "Bun" in globalThis;

/** Each call is a system call on Windows, and under Wine one of a server: fewer show as much. */
const MANY = process.platform === "win32" ? 64_000 : 800_000;

/** In one thread, from one to two, from four to four, and there and back. */
export const postTake: Scenario = {
  name: "post-take",
  title: "packets posted and taken: one thread, several, there and back",
  about: "Packets of three numbers are posted and taken, up to 64 at a time. " +
    "The ring is the least that threads can share: it has no concurrency value, no order of release, " +
    "no close, and no kernel puts anything into it.",
  cases: ({ pick }) => [
    {
      name: "one thread, 64 posted, then taken",
      unit: "/s",
      contenders: alone(pick(MANY, 640)),
      goals: [{ rivals: ["C, the same calls"], ratio: 0.9 }],
    },
    {
      name: "one Worker to two",
      unit: "/s",
      contenders: flows(pick(MANY, 800), 1, 2),
      goals: [
        { rivals: ["SharedArrayBuffer"], ratio: 0.6 },
        { rivals: ["postMessage"], ratio: isBun ? 3 : 10 },
      ],
    },
    {
      name: "four Workers to four",
      unit: "/s",
      contenders: flows(pick(MANY, 800), 4, 4),
    },
    {
      name: "there and back between two threads",
      unit: "us",
      contenders: pingPongs(pick(5_000, 20)),
    },
  ],
};
