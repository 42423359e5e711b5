/**
 * The names in a folder, by plain calls.
 *
 * @module
 */

import { getdents, libc } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import * as errno from "./errno.ts";

const O_CLOEXEC = 0o2000000;

/** Opens a folder to list it and to name what is in it. Returns the descriptor or a negated errno. */
export function openFolder(path: string): number {
  const flags = O_CLOEXEC | errno.O_DIRECTORY | errno.O_NOFOLLOW;
  const fd = libc().open(errno.cString(path), flags, 0);
  return fd < 0 ? -errno.errno() : fd;
}

/**
 * The names in a folder, read as they are asked for; of those that begin with none of `letters` only
 * their first byte is looked at. `""`: all of them.
 */
export function* readNames(path: string, letters: string = ""): Generator<string> {
  const fd = openFolder(path);
  if (fd < 0) return;
  try {
    const bytes = new Uint8Array(new ArrayBuffer(32768));
    const fields = new DataView(bytes.buffer);
    const decoder = new TextDecoder();
    for (;;) {
      const count = Number(
        getdents().syscall(errno.SYS_getdents64, fd, bytes, word(bytes.length)),
      );
      if (count <= 0) return;
      // struct linux_dirent64: d_reclen at byte 16, d_name at 19.
      for (let at = 0; at < count; at += fields.getUint16(at + 16, true)) {
        const first = String.fromCharCode(bytes[at + 19]);
        if (letters !== "" && !letters.includes(first)) continue;
        yield decoder.decode(bytes.subarray(at + 19, bytes.indexOf(0, at + 19)));
      }
    }
  } finally {
    libc().close(fd);
  }
}
