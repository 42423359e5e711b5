import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { Buffer } from "node:buffer";
import { mkdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { main } from "../../examples/http-server.ts";
import { Folder, isWindows, itUnless, unlessLinux, until } from "../conformance/fixture.ts";
import { Client } from "./client.ts";
import { type Answer, ask, Conversation } from "./http.ts";
import { type Outcome, runTool } from "./screen.ts";
import { Service } from "./service.ts";
import { pattern } from "./tool.ts";

/** Runs the tool in this process. */
function httpTool(...args: string[]): Promise<Outcome> {
  return runTool(main, ...args);
}

/** A server of a folder of its own. */
class Site {
  readonly folder: Folder = new Folder();
  readonly service: Service;

  private constructor(options: string[]) {
    this.folder.file("index.html", "<p>index</p>\n");
    this.folder.file("small.txt", "0123456789");
    this.folder.file("empty.css");
    this.folder.file("large.bin", pattern(1_000_000));
    this.folder.file(".hidden", "secret");
    mkdirSync(this.folder.path("sub"));
    this.folder.file("sub/index.html", "<p>sub</p>");
    this.folder.file("sub/a b é.json", "{}");
    mkdirSync(this.folder.path("bare"));
    this.service = new Service("http-server", "--port", "0", ...options, this.folder.path(""));
  }

  static async open(...options: string[]): Promise<Site> {
    const site = new Site(options);
    await site.service.ready();
    return site;
  }

  get port(): number {
    return this.service.port;
  }

  /** Asks for a target, with further fields. */
  get(target: string, ...fields: string[]): Promise<Answer> {
    return ask(this.port, `GET ${target} HTTP/1.1`, "Host: x", "Connection: close", ...fields);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }
}

describe("http-server: files", () => {
  it("a file: its bytes, type, length and state", async () => {
    await using site = await Site.open();
    const { status, fields, body } = await site.get("/small.txt");
    assertEquals([status, body.toString()], [200, "0123456789"]);
    assertEquals(fields["content-type"], "text/plain; charset=utf-8");
    assertEquals([fields["content-length"], fields["accept-ranges"]], ["10", "bytes"]);
    assertMatch(fields["etag"], /^"[0-9a-f]+-a"$/);
    const { mtimeMs } = statSync(site.folder.path("small.txt"));
    assertEquals(fields["last-modified"], new Date(mtimeMs).toUTCString());
    assert(Math.abs(Date.parse(fields["date"]) - Date.now()) < 60_000);
  });

  it("a large file, whole and in parts", async () => {
    await using site = await Site.open();
    const bytes = Buffer.from(pattern(1_000_000));
    const whole = await site.get("/large.bin");
    assertEquals([whole.status, Buffer.compare(whole.body, bytes)], [200, 0]);
    assertEquals(whole.fields["content-type"], "application/octet-stream");
    for (const [range, from, to] of [["0-99", 0, 100], ["999990-", 999_990, 1_000_000]] as const) {
      const part = await site.get("/large.bin", `Range: bytes=${range}`);
      assertEquals(part.status, 206);
      assertEquals(part.fields["content-range"], `bytes ${from}-${to - 1}/1000000`);
      assertEquals(Buffer.compare(part.body, bytes.subarray(from, to)), 0);
    }
    assertEquals((await site.get("/large.bin", "Range: bytes=-1")).body, bytes.subarray(-1));
  });

  it("parts of a small file, and parts that are not there", async () => {
    await using site = await Site.open();
    const part = await site.get("/small.txt", "Range: bytes=2-4");
    assertEquals([part.status, part.body.toString()], [206, "234"]);
    const none = await site.get("/small.txt", "Range: bytes=10-");
    assertEquals([none.status, none.fields["content-range"]], [416, "bytes */10"]);
    const { etag } = part.fields;
    const same = await site.get("/small.txt", "Range: bytes=0-0", `If-Range: ${etag}`);
    const other = await site.get("/small.txt", "Range: bytes=0-0", 'If-Range: "other"');
    assertEquals([same.status, other.status], [206, 200]);
  });

  it("an empty file, and the head of a request for the head only", async () => {
    await using site = await Site.open();
    const empty = await site.get("/empty.css");
    assertEquals([empty.status, empty.fields["content-length"], empty.body.length], [200, "0", 0]);
    using talk = await Conversation.begin(site.port);
    for (const target of ["/large.bin", "/none"]) {
      const head = await talk.ask("HEAD", `HEAD ${target} HTTP/1.1`, "Host: x");
      const whole = await talk.ask("GET", `GET ${target} HTTP/1.1`, "Host: x");
      assertEquals({ ...head.fields, date: "" }, { ...whole.fields, date: "" });
      assertEquals(head.body.length, 0);
    }
  });

  it("what the client has already is not sent", async () => {
    await using site = await Site.open();
    const { etag, "last-modified": modified } = (await site.get("/large.bin")).fields;
    for (const field of [`If-None-Match: ${etag}`, `If-Modified-Since: ${modified}`]) {
      const { status, body, fields } = await site.get("/large.bin", field);
      assertEquals([status, body.length, fields["etag"]], [304, 0, etag]);
    }
    assertEquals((await site.get("/large.bin", 'If-None-Match: "x"')).status, 200);
  });

  it("a file that changes is served as it is", async () => {
    await using site = await Site.open();
    const path = site.folder.path("small.txt");
    const first = await site.get("/small.txt");
    writeFileSync(path, "9876543210");
    utimesSync(path, 1_000_000_000, 1_000_000_000);
    const second = await site.get("/small.txt");
    assertEquals(second.body.toString(), "9876543210");
    assert(first.fields["etag"] !== second.fields["etag"]);
    assertEquals(second.fields["last-modified"], "Sun, 09 Sep 2001 01:46:40 GMT");
  });

  it("files that are asked for again and again, and change in between", async () => {
    await using site = await Site.open();
    using talk = await Conversation.begin(site.port);
    for (
      const [name, byteLength] of [["a.txt", 10], ["b.txt", 20_000], ["c.txt", 300_000]] as const
    ) {
      for (let round = 1; round <= 3; round++) {
        const content = String(round).repeat(byteLength);
        utimesSync(site.folder.file(name, content), round, round);
        for (let times = 0; times < 3; times++) {
          const { status, fields, body } = await talk.ask(
            "GET",
            `GET /${name} HTTP/1.1`,
            "Host: x",
          );
          assertEquals([status, fields["content-length"]], [200, `${byteLength}`]);
          assertEquals(fields["last-modified"], new Date(round * 1000).toUTCString());
          assert(body.toString() === content, `${name}, ${round}, ${times}`);
        }
      }
    }
  });

  it("folders: their index, and their address with a slash at its end", async () => {
    await using site = await Site.open();
    assertEquals((await site.get("/")).body.toString(), "<p>index</p>\n");
    assertEquals((await site.get("/sub/?x")).body.toString(), "<p>sub</p>");
    const { status, fields } = await site.get("/sub");
    assertEquals([status, fields["location"]], [301, "/sub/"]);
    assertEquals((await site.get("/bare/")).status, 404);
  });

  it("names with spaces and other letters", async () => {
    await using site = await Site.open();
    const { status, fields } = await site.get("/sub/a%20b%20%C3%A9.json");
    assertEquals([status, fields["content-type"]], [200, "application/json; charset=utf-8"]);
  });

  it("nothing outside of the folder is served, and nothing hidden", async () => {
    await using site = await Site.open();
    using outside = new Folder();
    outside.file("secret.txt", "secret");
    outside.file("large.txt", pattern(100_000));
    const targets = [
      "/.hidden",
      "/../../etc/passwd",
      "/%2e%2e/%2e%2e/etc/passwd",
      "/sub/%2e%2e%2fx",
    ];
    if (!isWindows) {
      symlinkSync(outside.path(""), site.folder.path("link"));
      symlinkSync(outside.path("secret.txt"), site.folder.path("link.txt"));
      symlinkSync(site.folder.path("small.txt"), site.folder.path("inside.txt"));
      targets.push("/link/secret.txt", "/link/large.txt", "/link.txt");
      assertEquals((await site.get("/inside.txt")).status, 200);
    }
    for (const target of targets) {
      const { status, body } = await site.get(target);
      assertEquals([status, body.includes("secret")], [404, false], target);
    }
  });

  itUnless(unlessLinux, "what is no file is not waited for", async () => {
    await using site = await Site.open();
    site.folder.fifo("fifo");
    assertEquals((await site.get("/fifo")).status, 404);
  });
});

describe("http-server: connections", () => {
  it("requests one after the other on one connection, also sent at once", async () => {
    await using site = await Site.open();
    using talk = await Conversation.begin(site.port);
    for (let i = 0; i < 3; i++) {
      const small = await talk.ask("GET", "GET /small.txt HTTP/1.1", "Host: x");
      assertEquals([small.status, small.fields["connection"]], [200, "keep-alive"]);
      assertEquals((await talk.ask("GET", "GET /large.bin HTTP/1.1", "Host: x")).body.length, 1e6);
    }
    const requests = ["/small.txt", "/none", "/large.bin", "/"].map((target) =>
      `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`
    );
    talk.client.send(requests.join(""));
    const answers = [];
    for (const _ of requests) answers.push(await talk.answer("GET"));
    assertEquals(answers.map(({ status }) => status), [200, 404, 200, 200]);
  });

  it("a request that comes byte by byte", async () => {
    await using site = await Site.open();
    using talk = await Conversation.begin(site.port);
    for (const letter of "GET /small.txt HTTP/1.1\r\nHost: x\r\n\r\n") {
      talk.client.send(letter);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    assertEquals((await talk.answer("GET")).status, 200);
  });

  it("who closes: HTTP/1.0, close, an error in the head, a body", async () => {
    await using site = await Site.open();
    const heads = [
      [200, "GET / HTTP/1.0"],
      [200, "GET / HTTP/1.1", "Host: x", "Connection: close"],
      [400, "GET / HTTP/1.1"],
      [400, "nonsense"],
      [505, "GET / HTTP/3.0", "Host: x"],
      [405, "POST / HTTP/1.1", "Host: x", "Content-Length: 1000000"],
      [405, "PUT /x HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"],
    ] as const;
    for (const [status, ...lines] of heads) {
      using talk = await Conversation.begin(site.port);
      const answer = await talk.ask("GET", ...lines);
      assertEquals([answer.status, answer.fields["connection"]], [status, "close"], lines[0]);
      await until(() => talk.client.hasEnded, "the server ends the connection");
    }
    using talk = await Conversation.begin(site.port);
    const old = await talk.ask("GET", "GET / HTTP/1.0", "Connection: keep-alive");
    assertEquals(old.fields["connection"], "keep-alive");
    const refused = await talk.ask("GET", "DELETE / HTTP/1.1", "Host: x");
    assertEquals([refused.status, refused.fields["allow"]], [405, "GET, HEAD"]);
    assertEquals(refused.fields["connection"], "keep-alive");
  });

  it("an answer is read whole although the client still sends", async () => {
    await using site = await Site.open();
    using talk = await Conversation.begin(site.port);
    talk.client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n");
    talk.client.send(pattern(4_000_000));
    assertEquals((await talk.answer("POST")).status, 405);
    assertEquals(talk.client.error, null);
  });

  it("a head that is too long", async () => {
    await using site = await Site.open();
    const { status } = await site.get("/", `A: ${"b".repeat(20_000)}`);
    assertEquals(status, 431);
  });

  it("more clients than places: further ones wait for their turn", async () => {
    await using site = await Site.open("--clients", "3");
    const ask = async () => (await site.get("/large.bin")).body.length;
    const lengths = await Promise.all(Array.from({ length: 20 }, ask));
    assertEquals(lengths, Array(20).fill(1_000_000));
  });

  itUnless(
    isWindows && "Windows ends a process by no signal",
    "Ctrl-C: what is being answered is, who waits is parted with",
    async () => {
      await using site = await Site.open();
      site.folder.file("huge.bin", pattern(12_000_000));
      using idle = await Client.to(site.port);
      using busy = await Conversation.begin(site.port);
      busy.client.socket.pause();
      busy.client.send("GET /huge.bin HTTP/1.1\r\nHost: x\r\n\r\n");
      const idling = await Conversation.begin(site.port);
      await idling.ask("GET", "GET / HTTP/1.1", "Host: x");
      const ending = site.service.end("SIGINT");
      await until(() => idle.hasEnded && idling.client.hasEnded, "those who wait are parted with");
      busy.client.socket.resume();
      const { body } = await busy.answer("GET");
      assertEquals(Buffer.compare(body, pattern(12_000_000)), 0);
      assertEquals(await ending, [130, "http-server: interrupted by SIGINT\n"]);
    },
  );
});

describe("http-server: the command line", () => {
  it("what cannot be served is one line, and status 1", async () => {
    using folder = new Folder();
    const none = await httpTool(folder.path("none"));
    assertEquals([none.status, none.complained.length], [1, 1]);
    assertMatch(none.complained[0], /none/);
    const file = await httpTool(folder.file("file"));
    assertEquals([file.status, file.complained.length], [1, 1]);
    assertMatch(file.complained[0], /file is no folder/);
    await using site = await Site.open();
    const { status, complained } = await httpTool("--port", String(site.port), folder.path(""));
    assertEquals([status, complained.length], [1, 1]);
    assertMatch(complained[0], new RegExp(`127\\.0\\.0\\.1:${site.port} failed: WSAEADDRINUSE`));
  });

  it("a command line that is wrong: what is wrong, status 2", async () => {
    for (
      const [args, words] of [
        [[], /a FOLDER is needed/],
        [["a", "b"], /one FOLDER is served, and 'b' is another/],
        [["a", "--port", "-1"], /--port/],
        [["a", "--none"], /--none/],
      ] as const
    ) {
      const { status, printed, complained } = await httpTool(...args);
      assertEquals([status, printed], [2, []], args.join(" "));
      assertMatch(complained[0], words);
    }
    const { status, printed } = await httpTool("--help");
    assertEquals([status, printed[0]], [0, "Usage: http-server [options] FOLDER"]);
  });
});
