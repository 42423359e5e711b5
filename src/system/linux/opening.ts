/**
 * Opening files by their paths: open(2), and what it leaves behind when it fails.
 *
 * @module
 */

import { folders, libc } from "../../ffi/libc.ts";
import * as errno from "./errno.ts";
import { isFileAt } from "./statx.ts";

const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
const F_GETFL = 3;
const F_SETFL = 4;

/** Times a file is looked for again that others make and remove meanwhile. */
const MAX_ATTEMPTS = 8;

/**
 * Opens a path with these flags of open(2). Returns the descriptor or a negated errno; then no file is
 * there that was not there before.
 */
export function openFile(path: string, open: number, mode: number): number {
  const isMaking = (open & O_CREAT) !== 0 && (open & errno.O_DIRECT) !== 0;
  if (!isMaking) return openPath(path, open, mode);
  if ((open & O_EXCL) !== 0) return makeDirect(path, open, mode);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const fd = openPath(path, open & ~O_CREAT, mode);
    if (fd !== -errno.ENOENT) return fd;
    const made = makeDirect(path, open | O_EXCL, mode);
    if (made !== -errno.EEXIST) return made;
  }
  // A link to nothing, which is opened by making what it leads to.
  return openPath(path, open, mode);
}

/**
 * The kernel makes the file before it asks whether its file system can do without the cache. So that is
 * asked for once the file is there, and is known to be ours.
 */
function makeDirect(path: string, open: number, mode: number): number {
  const fd = openPath(path, open & ~errno.O_DIRECT, mode);
  if (fd < 0) return fd;
  const flags = libc().fcntl(fd, F_GETFL, 0);
  if (libc().fcntl(fd, F_SETFL, flags | errno.O_DIRECT) === 0) return fd;
  const reason = errno.errno();
  removeMade(path, fd);
  libc().close(fd);
  return -reason;
}

/** Removes a file that was just made, as `fd`; not one that another has put in its place. */
export function removeMade(path: string, fd: number): void {
  if (isFileAt(fd, path)) folders().unlink(errno.cString(path));
}

/** Opens a path; a link itself only as what O_PATH gives, because that is all there is of it. */
function openPath(path: string, open: number, mode: number): number {
  const name = errno.cPath(path);
  for (;;) {
    const fd = libc().open(name, open, mode);
    if (fd >= 0) return fd;
    const reason = errno.errno();
    if (reason === errno.ELOOP && (open & errno.O_NOFOLLOW) !== 0 && (open & O_PATH) === 0) {
      open = O_PATH | O_CLOEXEC | errno.O_NOFOLLOW;
    } else if (reason !== errno.EINTR) return -reason;
  }
}
