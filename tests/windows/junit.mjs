// Reads the JUnit reports of `deno test` and `bun test`: as much XML as those two write.

const TAG =
  /<(\/?)(testsuite|testcase|failure|error|skipped)\b((?:\s+[\w-]+="[^"]*")*)\s*(\/?)>([^<]*)/g;

const NAMED = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function decode(text) {
  return text.replaceAll(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (all, hex, decimal, name) => {
    if (name) return NAMED[name] ?? all;
    return String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal));
  });
}

function attribute(attributes, name) {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(attributes)?.[1];
  return value === undefined ? "" : decode(value);
}

/**
 * Gives every test as `{name, outcome, message}`, the outcome being "passed", "failed" or
 * "skipped". A test in suites is called "suite > inner suite > test", as Deno writes it: Bun nests
 * elements instead, of which the outermost stands for the file.
 */
export function parseReport(xml) {
  const tests = [];
  const suites = [];
  for (const [, end, tag, attributes, closed, text] of xml.matchAll(TAG)) {
    if (tag === "testsuite") {
      if (end) suites.pop();
      else if (!closed) suites.push(attribute(attributes, "name"));
    } else if (end) {
      continue;
    } else if (tag === "testcase") {
      const name = [...suites.slice(1), attribute(attributes, "name")].join(" > ");
      tests.push({ name, outcome: "passed", message: "" });
    } else if (tag === "skipped") {
      tests.at(-1).outcome = "skipped";
    } else {
      const message = decode(text).trim() || attribute(attributes, "message");
      Object.assign(tests.at(-1), { outcome: "failed", message });
    }
  }
  return tests;
}
