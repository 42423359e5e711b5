/**
 * Pipes and clients of another user: refused unless their server wants them, and known by their name.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { chmodSync } from "node:fs";
import process from "node:process";
import type { PipeServeOptions } from "../../mod.ts";
import { Folder, itUnless, unlessLinux } from "./fixture.ts";
import { NOBODY, OtherProcess, unlessNobody } from "./other-process.ts";
import { Pipes } from "./pipes.ts";

const unless = unlessLinux || unlessNobody();

/** A folder that everybody may look into. */
function openFolder(): Folder {
  const folder = new Folder();
  chmodSync(folder.path("."), 0o755);
  return folder;
}

function visitor(): OtherProcess {
  return new OtherProcess({ program: "pipe-visitor", user: NOBODY });
}

describe("a pipe's client of another user", () => {
  const refused: [name: string, options: PipeServeOptions][] = [
    ["its user alone may open a pipe", {}],
    ["its group may open it, and the client is not of that", { mode: 0o660 }],
  ];
  for (const [name, options] of refused) {
    itUnless(unless, `${name}: 5`, async () => {
      using folder = openFolder();
      using pipes = new Pipes(folder.path("pipe"));
      const server = pipes.serve({ ...options, type: "message" });
      server.connect();
      await using client = visitor();
      assertEquals(await client.ask(pipes.name), 5);
      assertEquals(pipes.port.get(0), null);
    });
  }

  itUnless(unless, "a name is its user's: 2, another's pipe is not found", async () => {
    using pipes = new Pipes();
    pipes.serve({ type: "message" }).connect();
    await using client = visitor();
    assertEquals(await client.ask(pipes.name), 2);
    assertEquals(pipes.port.get(0), null);
  });

  itUnless(
    unless,
    "everybody may open it: it is served, and its user and process are told",
    async () => {
      using folder = openFolder();
      const umask = process.umask(0);
      using pipes = new Pipes(folder.path("pipe"));
      const server = pipes.serve({ mode: 0o666, type: "message" });
      process.umask(umask);
      server.connect();
      await using client = visitor();
      const answer = client.ask(pipes.name);
      while (pipes.port.get(0) === null) await new Promise((resolve) => setTimeout(resolve, 1));
      using message = pipes.buffer(4);
      server.read(message);
      assertEquals(pipes.take().error, null);
      const fields = new DataView(message.bytes.buffer, message.bytes.byteOffset);
      assertEquals(server.clientUser(), NOBODY);
      assertEquals(server.clientProcessId(), fields.getUint32(0, true));
      fields.setUint32(0, process.pid, true);
      server.write(message);
      assertEquals(pipes.take().error, null);
      assertEquals(await answer, 0);
    },
  );
});
