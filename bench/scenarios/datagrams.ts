/**
 * Servers that send datagrams back.
 *
 * @module
 */

import { compiled, inRuntime, ownProgram, type RuntimeName, THIS_RUNTIME } from "../programs.ts";
import type { Contender, Runner, Scale, Scenario } from "../scenario.ts";
import { runnerOf } from "./servers/server.ts";

/** What the client says. */
interface Load {
  readonly perSecond: number;
  readonly p99: number;
}

/** One way to load a server: bytes of a datagram, and the figure that counts. */
interface Way {
  readonly bytes: number;
  readonly figure: (load: Load) => number;
}

const NAMES: Readonly<Record<RuntimeName, string>> = {
  bun: "Bun.udpSocket",
  deno: "Deno.listenDatagram",
  node: "node:dgram",
};

/** Datagrams sent back. */
export const datagrams: Scenario = {
  name: "datagrams",
  title: "datagrams that are sent back: how many a second, and how long one takes",
  about:
    "Each server is a process of its own, on loopback; the client, a program in C, has sockets that each have one datagram " +
    "under way. Ours is examples/udp-echo.ts: one thread, one socket.",
  cases(scale) {
    const runtimes = scale.pick<readonly RuntimeName[]>(["bun", "deno", "node"], [THIS_RUNTIME]);
    const sockets = scale.pick(64, 4);
    const rivals = [NAMES.bun, NAMES.deno];
    const goals = [{ rivals, ratio: 1 }];
    const contenders = (way: Way) => servers(scale, runtimes, sockets, way);
    return [
      {
        name: `${sockets} senders, 64 bytes`,
        unit: "/s",
        contenders: contenders({ bytes: 64, figure: ({ perSecond }) => perSecond }),
        goals,
      },
      {
        name: `${sockets} senders, 64 bytes: the 99th of 100`,
        unit: "us",
        contenders: contenders({ bytes: 64, figure: ({ p99 }) => p99 }),
        goals,
      },
    ];
  },
};

function servers(
  scale: Scale,
  runtimes: readonly RuntimeName[],
  sockets: number,
  way: Way,
): Contender[] {
  const own = () => [...ownProgram("examples/udp-echo.ts"), "--port", "0"];
  return [
    { ...server(scale, "udp-echo", sockets, way, own), isOurs: true },
    ...runtimes.map((runtime) =>
      server(
        scale,
        NAMES[runtime],
        sockets,
        way,
        () => [...inRuntime(runtime, "datagram-listen.mjs"), runtime],
      )
    ),
  ];
}

function server(
  { pick, isSmoke }: Scale,
  name: string,
  sockets: number,
  { bytes, figure }: Way,
  command: () => readonly string[],
): Contender {
  return {
    name,
    warmsUp: isSmoke,
    open(): Promise<Runner> {
      const client = compiled("datagram-load.c");
      return runnerOf(
        command(),
        (port) => [client, `${port}`, `${sockets}`, `${bytes}`, `${pick(2, 0.1)}`],
        (printed) => figure(JSON.parse(printed) as Load),
      );
    },
  };
}
