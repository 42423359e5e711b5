/**
 * A pseudo-terminal: a serial line, and the other end of its cable. Linux.
 *
 * @module
 */

import { library } from "../../src/ffi/library.ts";

const libc = library(["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"], {
  // (int flags)
  posix_openpt: { parameters: ["i32"], result: "i32" },
  // (int fd)
  grantpt: { parameters: ["i32"], result: "i32" },
  // (int fd)
  unlockpt: { parameters: ["i32"], result: "i32" },
  // (int fd, char *buf, size_t buflen)
  ptsname_r: { parameters: ["i32", "buffer", "u64"], result: "i32" },
  // (const char *pathname, int flags, mode_t mode)
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  // (int fd, int op, int arg)
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // ssize_t (int fd, void *buf, size_t count)
  read: { parameters: ["i32", "buffer", "u64"], result: "i64" },
  // ssize_t (int fd, const void *buf, size_t count)
  write: { parameters: ["i32", "buffer", "u64"], result: "i64" },
  // (int fd)
  close: { parameters: ["i32"], result: "i32" },
});

/** O_RDWR, O_NOCTTY, O_CLOEXEC. */
const OPEN_FLAGS = 0o2 | 0o400 | 0o2000000;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

function bytes(byteLength: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(byteLength));
}

/** The far end of a serial line. */
export class Pty {
  readonly #master: number;
  readonly #path: string;
  #isOpen = true;

  constructor() {
    const c = libc();
    this.#master = c.posix_openpt(OPEN_FLAGS);
    const name = bytes(64);
    const isReady = c.grantpt(this.#master) === 0 && c.unlockpt(this.#master) === 0 &&
      c.ptsname_r(this.#master, name, 64) === 0;
    if (this.#master < 0 || !isReady) throw new Error("No pseudo-terminal can be had");
    c.fcntl(this.#master, F_SETFL, O_NONBLOCK);
    this.#path = new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
  }

  /** The name of the serial line. */
  get path(): string {
    return this.#path;
  }

  /** Sends `text` to the line; returns how many bytes it has taken. */
  send(text: string): number {
    const data = new TextEncoder().encode(text);
    const copy = bytes(data.length);
    copy.set(data);
    return Number(libc().write(this.#master, copy, copy.length));
  }

  /** What the line has sent, as far as it is there. */
  received(): string {
    const buffer = bytes(65536);
    const count = Number(libc().read(this.#master, buffer, buffer.length));
    return new TextDecoder().decode(buffer.subarray(0, Math.max(count, 0)));
  }

  /** Whether the line can be opened by a program that asks nobody. */
  canBeOpened(): boolean {
    const path = bytes(this.#path.length + 1);
    path.set(new TextEncoder().encode(this.#path));
    const fd = libc().open(path, OPEN_FLAGS, 0);
    if (fd >= 0) libc().close(fd);
    return fd >= 0;
  }

  /** Tears the cable off. */
  close(): void {
    if (this.#isOpen) libc().close(this.#master);
    this.#isOpen = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
