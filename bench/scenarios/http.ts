/**
 * Servers of files.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fastFolder, makeFile } from "../files.ts";
import { need, ownProgram } from "../programs.ts";
import type { Contender, Goal, Runner, Scale, Scenario } from "../scenario.ts";
import { runnerOf } from "./servers/server.ts";

const KIB = 1024;
/** What is served, and how much of nginx is to be reached. */
const FILES: readonly { name: string; file: string; bytes: number; goals: readonly Goal[] }[] = [
  { name: "1 KiB", file: "1k.bin", bytes: KIB, goals: [] },
  { name: "100 KiB", file: "100k.bin", bytes: 100 * KIB, goals: [] },
  {
    name: "10 MiB",
    file: "10m.bin",
    bytes: 10 * KIB * KIB,
    goals: [{ rivals: ["nginx"], ratio: 0.8 }],
  },
];

/** A folder's files over HTTP/1.1. */
export const http: Scenario = {
  name: "http",
  title: "files over HTTP/1.1, beside nginx",
  about:
    "wrk has connections that are kept, and asks for one file again and again; both servers are processes of their own, " +
    "on loopback, and serve the same folder in memory. Ours is examples/http-server.ts, by --threads. nginx has one " +
    "worker, sendfile, and no log.",
  cases(scale) {
    return scale.pick(FILES, FILES.slice(2)).map(({ name, file, goals }) => ({
      name,
      unit: "/s" as const,
      goals,
      contenders: [
        ours(scale, file, 1),
        ...scale.pick([ours(scale, file, 2)], []),
        {
          name: "nginx",
          warmsUp: scale.isSmoke,
          open: async (): Promise<Runner> => {
            const [program, wrk] = [need("nginx"), need("wrk")];
            const port = await freePort();
            return await measure(scale, wrk, nginxCommand(program, port), file, port);
          },
        },
      ],
    }));
  },
};

function ours(scale: Scale, file: string, threads: number): Contender {
  return {
    name: `http-server, ${threads} thread${threads === 1 ? "" : "s"}`,
    isOurs: true,
    warmsUp: scale.isSmoke,
    open(): Promise<Runner> {
      const wrk = need("wrk");
      const args = ["--port", "0", "--threads", `${threads}`, folder()];
      return measure(scale, wrk, [...ownProgram("examples/http-server.ts"), ...args], file);
    },
  };
}

function measure(
  { pick }: Scale,
  wrk: string,
  server: readonly string[],
  file: string,
  knownPort?: number,
): Promise<Runner> {
  const load = ["-t1", `-c${pick(64, 2)}`, `-d${pick(2, 1)}s`];
  return runnerOf(
    server,
    (port) => [wrk, ...load, `http://127.0.0.1:${port}/${file}`],
    read,
    knownPort,
  );
}

/** Requests a second, if all were answered. */
function read(printed: string): number {
  const problem = /Non-2xx.*|Socket errors.*/.exec(printed);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(printed);
  if (problem !== null || rate === null) throw new Error(`wrk says: ${problem ?? printed}`);
  return Number(rate[1]);
}

let made: string | null = null;

/** The folder that is served; made once. */
function folder(): string {
  if (made !== null) return made;
  made = join(fastFolder(), "http");
  mkdirSync(made, { recursive: true });
  for (const { file, bytes } of FILES) makeFile(join(made, file), bytes);
  return made;
}

function nginxCommand(program: string, port: number): string[] {
  const root = folder();
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${root}/.${name};`)
    .join(" ");
  const file = join(root, ".nginx.conf");
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${root}/.pid; error_log ${root}/.log;
events { worker_connections 2048; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; ${paths}
  server { listen 127.0.0.1:${port}; root ${root}; } }
`,
  );
  return [program, "-e", `${root}/.log`, "-c", file];
}

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
