/**
 * How bytes are shown: as text, or as numbers; with times or without.
 *
 * @module
 */

/** Turns the bytes that come into what is printed. */
export class Show {
  readonly #isHex: boolean;
  readonly #hasTimes: boolean;
  readonly #decoder: TextDecoder = new TextDecoder();
  #isLineStart = true;

  constructor(options: { readonly hex: boolean; readonly times: boolean }) {
    this.#isHex = options.hex;
    this.#hasTimes = options.times;
  }

  /** What is printed for bytes that have come at `time`. */
  text(bytes: Uint8Array, time: Date): string {
    const text = this.#isHex ? hexLines(bytes) : this.#decoder.decode(bytes, { stream: true });
    if (!this.#hasTimes) return text;
    const stamp = `[${time.toISOString().slice(11, 23)}] `;
    let stamped = "";
    for (const line of text.split(/(?<=\n)/)) {
      if (line === "") continue;
      stamped += this.#isLineStart ? stamp + line : line;
      this.#isLineStart = line.endsWith("\n");
    }
    return stamped;
  }
}

/** `48 65 6c 6c 6f`, sixteen bytes a line. */
function hexLines(bytes: Uint8Array): string {
  let lines = "";
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    lines += row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ") + "\n";
  }
  return lines;
}
