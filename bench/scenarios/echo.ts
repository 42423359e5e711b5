/**
 * Echo servers.
 *
 * @module
 */

import { compiled, inRuntime, ownProgram, type RuntimeName, THIS_RUNTIME } from "../programs.ts";
import type { Contender, Runner, Scenario } from "../scenario.ts";
import { runnerOf } from "./servers/server.ts";

/** What the client says. */
interface Load {
  readonly perSecond: number;
  readonly p99: number;
}

/** One way to load a server: connections, bytes of a message, and the figure that counts. */
interface Way {
  readonly connections: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly isSmoke: boolean;
  readonly figure: (load: Load) => number;
}

/** Messages sent back, over many connections. */
export const echo: Scenario = {
  name: "echo",
  title: "an echo server: messages a second, and how long one takes",
  about:
    "Each server is a process of its own, on loopback; the client, a program in C, has one message under way on each " +
    "connection. Ours is examples/echo-server.ts, by --threads. The C server has one thread and one ring.",
  cases({ pick, isSmoke }) {
    const runtimes = pick<readonly RuntimeName[]>(["bun", "deno", "node"], [THIS_RUNTIME]);
    const seconds = pick(2, 0.1);
    const [few, many] = [pick(64, 4), pick(1_000, 16)];
    const rivals = ["Bun.listen", "Deno.listen"];
    return [
      {
        name: `${few} connections, 64 bytes`,
        unit: "/s",
        contenders: servers(runtimes, {
          connections: few,
          bytes: 64,
          seconds,
          isSmoke,
          figure: ({ perSecond }) => perSecond,
        }),
        goals: [{ rivals, ratio: 1 }, { rivals: ["C, io_uring"], ratio: 0.9 }],
      },
      {
        name: `${few} connections, 16 KiB`,
        unit: "bytes/s",
        contenders: servers(runtimes, {
          connections: few,
          bytes: 16_384,
          seconds,
          isSmoke,
          figure: ({ perSecond }) => perSecond * 16_384,
        }),
        goals: [{ rivals, ratio: 1 }, { rivals: ["C, io_uring"], ratio: 0.9 }],
      },
      {
        name: `${many} connections, 64 bytes: the 99th of 100`,
        unit: "us",
        contenders: servers(runtimes, {
          connections: many,
          bytes: 64,
          seconds,
          isSmoke,
          figure: ({ p99 }) => p99,
        }),
        goals: [{ rivals, ratio: 1 }],
      },
    ];
  },
};

function servers(runtimes: readonly RuntimeName[], way: Way): Contender[] {
  const ours = (threads: number) => [
    ...ownProgram("examples/echo-server.ts"),
    ...["--port", "0", "--threads", `${threads}`],
  ];
  const scripts = runtimes.map((runtime) => {
    const name = runtime === "node" ? "node:net" : runtime === "bun" ? "Bun.listen" : "Deno.listen";
    return server(name, way, () => [...inRuntime(runtime, "echo-listen.mjs"), runtime]);
  });
  const own = (name: string, threads: number) => ({
    ...server(name, way, () => ours(threads)),
    isOurs: true,
  });
  return [
    own("echo-server, 1 thread", 1),
    ...way.isSmoke ? [] : [own("echo-server, 2 threads", 2)],
    server("C, io_uring", way, () => [compiled("echo-ring.c"), "16384"]),
    ...scripts,
  ];
}

function server(name: string, way: Way, command: () => readonly string[]): Contender {
  const { connections, bytes, seconds, isSmoke, figure } = way;
  return {
    name,
    warmsUp: isSmoke,
    open(): Promise<Runner> {
      const client = compiled("echo-load.c");
      return runnerOf(
        command(),
        (port) => [client, `${port}`, `${connections}`, `${bytes}`, `${seconds}`],
        (printed) => figure(JSON.parse(printed) as Load),
      );
    },
  };
}
