import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { isKnown, isSameState } from "../../examples/http-server/conditions.ts";
import { readRange } from "../../examples/http-server/range.ts";
import { Refusal } from "../../examples/http-server/refusal.ts";
import { MAX_HEAD_BYTES, readRequest, type Request } from "../../examples/http-server/request.ts";
import { readTarget } from "../../examples/http-server/target.ts";
import { chooseSeed, randomFrom } from "../conformance/random.ts";

/** The bytes of a text, of which no letter needs two. */
function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** Reads a head that is given by its lines. */
function read(...lines: string[]): Request | null {
  return readRequest(latin1(lines.join("\r\n") + "\r\n\r\n"), 0);
}

/** The status with which it is refused. */
function refusal(work: () => unknown): number {
  const error = assertThrows(work, Refusal);
  return error.status;
}

describe("http-server: the head of a request", () => {
  it("method, target, fields, and where it ends", () => {
    const bytes = latin1("GET /a?b HTTP/1.1\r\nHost: x\r\nACCEPT:\t a \r\naccept: b\r\n\r\nGET /");
    const request = readRequest(bytes, 0)!;
    assertEquals([request.method, request.target], ["GET", "/a?b"]);
    assertEquals([...request.fields], [["host", "x"], ["accept", "a, b"]]);
    assertEquals([request.byteLength, request.keepsAlive, request.hasBody], [54, true, false]);
  });

  it("every beginning of it waits for more", () => {
    const bytes = latin1("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    for (let end = 0; end < bytes.length; end++) {
      assertEquals(readRequest(bytes.subarray(0, end), Math.max(0, end - 1)), null);
      assertEquals(readRequest(bytes.subarray(0, end), 0), null);
    }
    for (let seen = 0; seen < bytes.length; seen++) {
      assertEquals(readRequest(bytes, seen)!.byteLength, bytes.length);
    }
  });

  it("who closes the connection", () => {
    const keeps = (line: string, ...fields: string[]) =>
      read(line, "Host: x", ...fields)!.keepsAlive;
    const [now, old] = ["GET / HTTP/1.1", "GET / HTTP/1.0"];
    assertEquals([keeps(now), keeps(old)], [true, false]);
    assertEquals([keeps(now, "Connection: Close"), keeps(now, "Connection: a ,\tclose")], [
      false,
      false,
    ]);
    assertEquals([keeps(old, "Connection: keep-alive"), read(old)!.keepsAlive], [true, false]);
  });

  it("what has a body", () => {
    const has = (...fields: string[]) => read("POST / HTTP/1.1", "Host: x", ...fields)!.hasBody;
    assertEquals(has("Content-Length: 0"), false);
    assertEquals(has("Content-Length: 1"), true);
    assertEquals(has("Transfer-Encoding: chunked"), true);
  });

  it("what is refused, and how", () => {
    const line = "GET / HTTP/1.1";
    const refused: [number, ...string[]][] = [
      [400, line],
      [400, line, "Host: x", "Host: x"],
      [400, line, "Host : x"],
      [400, line, "Host: x", " folded"],
      [400, line, "Host: x", "a\nb: c"],
      [400, line, "Host: x", "a: \0"],
      [400, line, "Host: x", "a: b\rc"],
      [400, line, "Host: x", ": b"],
      [400, line, "Host: x", "Content-Length: -1"],
      [400, line, "Host: x", "Content-Length: 1", "Content-Length: 2"],
      [400, line, "Host: x", "Content-Length: 1", "Transfer-Encoding: chunked"],
      [400, "GET  / HTTP/1.1", "Host: x"],
      [400, "GET / HTTP/1.1 ", "Host: x"],
      [400, "GET /", "Host: x"],
      [400, "GET /\xe9 HTTP/1.1", "Host: x"],
      [400, "G@T / HTTP/1.1", "Host: x"],
      [400, "GET / http/1.1", "Host: x"],
      [400, "\x16\x03\x01"],
      [505, "GET / HTTP/2.0", "Host: x"],
      [505, "GET / HTTP/0.9"],
    ];
    for (const [status, ...lines] of refused) {
      assertEquals(refusal(() => read(...lines)), status, JSON.stringify(lines));
    }
  });

  it("a head that is too long is refused as soon as that is seen", () => {
    const line = "GET / HTTP/1.1\r\nHost: x\r\na: ";
    const head = latin1(line + "b".repeat(MAX_HEAD_BYTES));
    assertEquals(refusal(() => readRequest(head.subarray(0, MAX_HEAD_BYTES), 0)), 431);
    assertEquals(readRequest(head.subarray(0, MAX_HEAD_BYTES - 1), 0), null);
  });

  it("bytes at random are read, waited for or refused, and nothing else", () => {
    const random = randomFrom(chooseSeed("http-request"));
    const heads = [
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "HEAD /a%20b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      'GET /x HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\nIf-Range: "a"\r\n\r\n',
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    ].map(latin1);
    let read = 0;
    for (let i = 0; i < 20_000; i++) {
      const bytes = Uint8Array.from(heads[random(heads.length)]);
      for (let n = random(4); n > 0; n--) bytes[random(bytes.length)] = random(256);
      try {
        const request = readRequest(bytes, 0);
        if (request === null) continue;
        read++;
        assert(request.byteLength <= bytes.length);
        readTarget(request.target, i % 2 === 0);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      }
    }
    assert(read > 0);
  });
});

describe("http-server: what a target asks for", () => {
  it("names below the folder", () => {
    for (const isWindows of [false, true]) {
      const read = (target: string) => readTarget(target, isWindows);
      assertEquals(read("/"), [""]);
      assertEquals(read("/a/b.txt?c/../d#e"), ["a", "b.txt"]);
      assertEquals(read("/a%20%E2%82%AC/"), ["a €", ""]);
      assertEquals(read("http://host:1/a"), ["a"]);
      assertEquals(read("HTTP://host"), [""]);
      assertEquals(read("https://host?x"), [""]);
      assertEquals(read("/%252e%252e"), ["%2e%2e"]);
    }
  });

  it("no way leads out of the folder, nor to what is hidden", () => {
    const outside = [
      "/..",
      "/../x",
      "/a/../b",
      "/%2e%2e/x",
      "/%2E./x",
      "/..%2fx",
      "/a%2f..%2fb",
      "/a%2Fb",
      "//x",
      "/a//b",
      "/./x",
      "/.git/config",
      "/a%00.txt",
      "/%0a",
      "http://host/../x",
      "http://host//x",
    ];
    for (const target of outside) {
      for (const isWindows of [false, true]) {
        assertEquals(refusal(() => readTarget(target, isWindows)), 404, target);
      }
    }
    const onWindows = [
      "/a\\b",
      "/%5c..%5cx",
      "/c:/x",
      "/a.txt::$DATA",
      "/con",
      "/NUL.txt",
      "/x.",
      "/x%20",
    ];
    for (const target of onWindows) {
      assertEquals(refusal(() => readTarget(target, true)), 404, target);
      assertEquals(readTarget(target, false).length, target === "/c:/x" ? 2 : 1);
    }
  });

  it("what is no path is refused", () => {
    for (const target of ["*", "host:80", "a", "ftp://host/", "/%", "/%zz", "/%ff", "/%c0%ae"]) {
      assertEquals(refusal(() => readTarget(target, false)), 400, target);
    }
  });
});

describe("http-server: ranges and conditions", () => {
  it("parts of a file", () => {
    assertEquals(readRange("bytes=0-0", 10), { offset: 0, byteLength: 1 });
    assertEquals(readRange("bytes=2-", 10), { offset: 2, byteLength: 8 });
    assertEquals(readRange("bytes=2-99", 10), { offset: 2, byteLength: 8 });
    assertEquals(readRange("Bytes=-3", 10), { offset: 7, byteLength: 3 });
    assertEquals(readRange("bytes=-99", 10), { offset: 0, byteLength: 10 });
    for (const whole of ["bytes=", "bytes=-", "bytes=3-2", "bytes=0-1,3-4", "lines=1-2", "x"]) {
      assertEquals(readRange(whole, 10), null, whole);
    }
    for (const none of ["bytes=10-", "bytes=99-100", "bytes=-0"]) {
      assertEquals(refusal(() => readRange(none, 10)), 416, none);
    }
    assertEquals(refusal(() => readRange("bytes=0-", 0)), 416);
    assertEquals(refusal(() => readRange("bytes=-1", 0)), 416);
  });

  const state = { tag: '"a,b"', modifiedSeconds: Date.UTC(2026, 0, 2, 3, 4, 5) / 1000 };
  const date = "Fri, 02 Jan 2026 03:04:05 GMT";
  const [before, after] = [date.replace("05 GMT", "04 GMT"), date.replace("05 GMT", "06 GMT")];
  const fields = (all: Record<string, string>) => new Map(Object.entries(all));

  it("what the client has is not sent again", () => {
    const known = (all: Record<string, string>) => isKnown(fields(all), state);
    assertEquals(known({}), false);
    assertEquals(known({ "if-none-match": '"a,b"' }), true);
    assertEquals(known({ "if-none-match": '"x", W/"a,b"' }), true);
    assertEquals(known({ "if-none-match": "*" }), true);
    assertEquals(known({ "if-none-match": '"x"', "if-modified-since": date }), false);
    assertEquals(known({ "if-modified-since": date }), true);
    assertEquals(known({ "if-modified-since": after }), true);
    assertEquals(known({ "if-modified-since": before }), false);
    assertEquals(known({ "if-modified-since": "yesterday" }), false);
  });

  it("what the client has is wanted, or nothing", () => {
    const status = (all: Record<string, string>) => refusal(() => isKnown(fields(all), state));
    assertEquals(status({ "if-match": '"x"' }), 412);
    assertEquals(status({ "if-match": 'W/"a,b"' }), 412);
    assertEquals(isKnown(fields({ "if-match": '"a,b"' }), state), false);
    assertEquals(isKnown(fields({ "if-match": "*" }), state), false);
    assertEquals(status({ "if-unmodified-since": before }), 412);
    assertEquals(isKnown(fields({ "if-unmodified-since": date }), state), false);
  });

  it("a part is of use if the rest is of the same state", () => {
    const same = (value: string) => isSameState(fields({ "if-range": value }), state);
    assertEquals(isSameState(fields({}), state), true);
    assertEquals([same('"a,b"'), same('"x"'), same('W/"a,b"')], [true, false, false]);
    assertEquals([same(date), same(after)], [true, false]);
  });
});
