import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { Buffer } from "node:buffer";
import { Folder, isWine, itUnless, turn, until } from "../conformance/fixture.ts";
import { chooseSeed, randomFrom } from "../conformance/random.ts";
import { Client } from "./client.ts";
import { ask } from "./http.ts";
import { Service } from "./service.ts";
import { pattern } from "./tool.ts";
import { untilBack, weigh } from "./weight.ts";

const REQUESTS = [
  "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET /large.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=5-500000\r\n\r\n",
  "HEAD /large.bin HTTP/1.1\r\nHost: x\r\n\r\n",
  'GET /small.txt HTTP/1.0\r\nConnection: keep-alive\r\nIf-None-Match: "a"\r\n\r\n',
  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
  "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET /%2e%2e%2f%2e%2e%2fetc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

/** Texts that are put where they do not belong. */
const BITS = [
  "\r\n",
  "\n",
  "\r",
  "\0",
  " ",
  ":",
  "%",
  "%00",
  "..",
  "/",
  "HTTP/1.1",
  "\x80",
  "bytes=",
];

type Random = (limit: number) => number;

/** A request, or some, with mistakes in it. */
function broken(random: Random): Uint8Array {
  let text = "";
  for (let n = 1 + random(3); n > 0; n--) text += REQUESTS[random(REQUESTS.length)];
  for (let n = random(4); n > 0; n--) {
    const at = random(text.length);
    const cut = random(3) === 0 ? random(20) : 0;
    text = text.slice(0, at) + BITS[random(BITS.length)] + text.slice(at + cut);
  }
  if (random(30) === 0) text += "a".repeat(random(40_000));
  const bytes = Buffer.from(text, "latin1");
  for (let n = random(3); n > 0; n--) bytes[random(bytes.length)] = random(256);
  return bytes;
}

/** A client that behaves as it likes. */
async function misbehave(port: number, random: Random): Promise<void> {
  using client = await Client.to(port);
  if (random(8) === 0) client.socket.pause();
  const bytes = broken(random);
  for (let at = 0; at < bytes.length && !client.isClosed;) {
    const end = random(2) === 0 ? bytes.length : at + 1 + random(bytes.length - at);
    client.send(bytes.subarray(at, end));
    at = end;
    if (random(2) === 0) await turn();
  }
  switch (random(4)) {
    case 0:
      client.socket.resetAndDestroy?.();
      break;
    case 1:
      client.end();
      client.socket.resume();
      await until(() => client.hasEnded, "the server ends the connection");
      break;
    case 2:
      // It waits for an answer, as far as there is to be one.
      client.socket.resume();
      for (let turns = random(20); turns > 0 && !client.hasEnded; turns--) await turn();
  }
}

/** A crowd of such clients, and beside it one that behaves. `byteLength`: of the file that most requests are for. */
async function fuzz(byteLength: number): Promise<void> {
  const random = randomFrom(chooseSeed("http-fuzz"));
  using folder = new Folder();
  folder.file("index.html", "<p>index</p>");
  folder.file("small.txt", "small");
  folder.file("large.bin", pattern(byteLength));
  await using server = await new Service("http-server", "--port", "0", folder.path("")).ready();
  const crowd = (visits: number) =>
    Promise.all(Array.from({ length: 16 }, async () => {
      for (let i = 0; i < visits; i++) await misbehave(server.port, random);
    }));
  await crowd(10);
  const { processId, port } = server;
  const before = weigh(processId);
  let isOver = false;
  const fuzzed = crowd(40).then(() => isOver = true);
  while (!isOver) {
    const { status, body } = await ask(port, "GET /small.txt HTTP/1.1", "Host: x");
    assertEquals([status, body.toString()], [200, "small"]);
  }
  await fuzzed;
  await untilBack(processId, before, 64_000_000);
  assertEquals(server.complaints, "");
  assert(server.line.includes("serving"));
}

describe("http-server, spoken to in broken HTTP: no crash, no hang, no growth, and nobody else is disturbed", () => {
  itUnless(
    isWine &&
      "Wine refuses a TransmitFile to a client that has reset, and queues its packet all the same",
    "files sent by TransmitFile",
    () => fuzz(600_000),
  );

  it("files sent from memory", () => fuzz(60_000));
});
