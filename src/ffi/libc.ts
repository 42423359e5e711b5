/**
 * The functions of libc that the Linux system calls. C parameter names stand
 * in the comments; the man page of the same name says what each does.
 *
 * @module
 */

import { library } from "./library.ts";
import type { Functions, Signatures } from "./signature.ts";

/** glibc, then musl. */
const NAMES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"] as const;

const LIBC = {
  // void *(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
  mmap: { parameters: ["pointer", "u64", "i32", "i32", "i32", "i64"], result: "pointer" },
  // (void *addr, size_t length)
  munmap: { parameters: ["pointer", "u64"], result: "i32" },
  // (void *addr, size_t length, int advice)
  madvise: { parameters: ["pointer", "u64", "i32"], result: "i32" },
  // (const char *name, unsigned int flags)
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  // (const char *pathname, int flags, mode_t mode)
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  // (int fd)
  close: { parameters: ["i32"], result: "i32" },
  // (int fd, void *buf, size_t count)
  read: { parameters: ["i32", "buffer", "u64"], result: "i64" },
  // (int fd, off_t length)
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  // (int fd, int op, int arg)
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // char *(const char *name)
  getenv: { parameters: ["buffer"], result: "pointer" },
  // size_t (const char *s)
  strlen: { parameters: ["pointer"], result: "u64" },
  // (int fd)
  fsync: { parameters: ["i32"], result: "i32" },
  // (int dirfd, const char *pathname, int flags, unsigned int mask, struct statx *buf)
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  // int *(void): the errno of the calling thread
  __errno_location: { parameters: [], result: "pointer" },
  // pid_t (void): the id of the calling thread
  gettid: { parameters: [], result: "i32" },
  // (pthread_mutexattr_t *attr)
  pthread_mutexattr_init: { parameters: ["buffer"], result: "i32" },
  // (pthread_mutexattr_t *attr, int robustness)
  pthread_mutexattr_setrobust: { parameters: ["buffer", "i32"], result: "i32" },
  // (pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
  pthread_mutex_init: { parameters: ["pointer", "buffer"], result: "i32" },
  // (pthread_mutex_t *mutex)
  pthread_mutex_lock: { parameters: ["pointer"], result: "i32" },
} as const satisfies Signatures;

const PLAIN = {
  // ssize_t (int fd, void *buf, size_t count)
  read: { parameters: ["i32", "pointer", "u64"], result: "i64" },
  // ssize_t (int fd, const void *buf, size_t count)
  write: { parameters: ["i32", "pointer", "u64"], result: "i64" },
  // ssize_t (int fd, void *buf, size_t count, off_t offset)
  pread: { parameters: ["i32", "pointer", "u64", "i64"], result: "i64" },
  // ssize_t (int fd, const void *buf, size_t count, off_t offset)
  pwrite: { parameters: ["i32", "pointer", "u64", "i64"], result: "i64" },
  // ssize_t (int fd, const struct iovec *iov, int iovcnt, off_t offset)
  preadv: { parameters: ["i32", "pointer", "i32", "i64"], result: "i64" },
  // ssize_t (int fd, const struct iovec *iov, int iovcnt, off_t offset)
  pwritev: { parameters: ["i32", "pointer", "i32", "i64"], result: "i64" },
  // (int flags)
  epoll_create1: { parameters: ["i32"], result: "i32" },
  // (int epfd, int op, int fd, struct epoll_event *event)
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  // (int epfd, struct epoll_event *events, int maxevents, int timeout)
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  // (unsigned int initval, int flags)
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  // (int fd, eventfd_t value)
  eventfd_write: { parameters: ["i32", "u64"], result: "i32" },
  // (int fd, eventfd_t *value)
  eventfd_read: { parameters: ["i32", "buffer"], result: "i32" },
  // (int clockid, int flags)
  timerfd_create: { parameters: ["i32", "i32"], result: "i32" },
  // (int fd, int flags, const struct itimerspec *new_value, struct itimerspec *old_value)
  timerfd_settime: { parameters: ["i32", "i32", "buffer", "buffer"], result: "i32" },
} as const satisfies Signatures;

const FCNTL_LOCK = {
  // (int fd, int op, struct flock *lock)
  fcntl: { parameters: ["i32", "i32", "buffer"], result: "i32" },
} as const satisfies Signatures;

const SOCKETS = {
  // (int domain, int type, int protocol)
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // (int sockfd, const struct sockaddr *addr, socklen_t addrlen)
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // (int sockfd, int backlog)
  listen: { parameters: ["i32", "i32"], result: "i32" },
  // (int sockfd, const struct sockaddr *addr, socklen_t addrlen)
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // (int sockfd, struct sockaddr *addr, socklen_t *addrlen, int flags)
  accept4: { parameters: ["i32", "pointer", "pointer", "i32"], result: "i32" },
  // (int sockfd, int how)
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  // (int oldfd, int newfd, int flags)
  dup3: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // (struct pollfd *fds, nfds_t nfds, int timeout)
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
  // ssize_t (int sockfd, void *buf, size_t len, int flags)
  recv: { parameters: ["i32", "pointer", "u64", "i32"], result: "i64" },
  // ssize_t (int sockfd, const void *buf, size_t len, int flags)
  send: { parameters: ["i32", "pointer", "u64", "i32"], result: "i64" },
  // ssize_t (int sockfd, struct msghdr *msg, int flags)
  recvmsg: { parameters: ["i32", "pointer", "i32"], result: "i64" },
  // ssize_t (int sockfd, const struct msghdr *msg, int flags)
  sendmsg: { parameters: ["i32", "pointer", "i32"], result: "i64" },
  // (int sockfd, struct mmsghdr *msgvec, unsigned int vlen, int flags, struct timespec *timeout)
  recvmmsg: { parameters: ["i32", "pointer", "u32", "i32", "pointer"], result: "i32" },
  // (int sockfd, struct mmsghdr *msgvec, unsigned int vlen, int flags)
  sendmmsg: { parameters: ["i32", "pointer", "u32", "i32"], result: "i32" },
  // (int sockfd, int level, int optname, void *optval, socklen_t *optlen)
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  // (int fd, unsigned long op, void *arg)
  ioctl: { parameters: ["i32", "u64", "pointer"], result: "i32" },
} as const satisfies Signatures;

const SOCKET_OPTIONS = {
  // (int sockfd, int level, int optname, const void *optval, socklen_t optlen)
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  // (int sockfd, int level, int optname, void *optval, socklen_t *optlen)
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  // (int sockfd, struct sockaddr *addr, socklen_t *addrlen)
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // (int sockfd, struct sockaddr *addr, socklen_t *addrlen)
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // unsigned int (const char *ifname)
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
} as const satisfies Signatures;

const MESSAGE_CALLS = {
  // ssize_t (int sockfd, struct msghdr *msg, int flags)
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i64" },
} as const satisfies Signatures;

const STREAMS = {
  // (int sockfd, const struct sockaddr *addr, socklen_t addrlen)
  connect: { parameters: ["i32", "pointer", "u32"], result: "i32" },
  // (int sockfd, struct sockaddr *addr, socklen_t *addrlen)
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // (int sockfd, struct sockaddr *addr, socklen_t *addrlen)
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // ssize_t (int sockfd, void *buf, size_t len, int flags)
  recv: { parameters: ["i32", "buffer", "u64", "i32"], result: "i64" },
  // ssize_t (int out_fd, int in_fd, off_t *offset, size_t count)
  sendfile: { parameters: ["i32", "i32", "pointer", "u64"], result: "i64" },
} as const satisfies Signatures;

const FOLDERS = {
  // (int fd, int operation)
  flock: { parameters: ["i32", "i32"], result: "i32" },
  // (const char *pathname, mode_t mode)
  mkdir: { parameters: ["buffer", "u32"], result: "i32" },
  // (const char *pathname)
  rmdir: { parameters: ["buffer"], result: "i32" },
  // (const char *pathname)
  unlink: { parameters: ["buffer"], result: "i32" },
  // (const char *oldpath, const char *newpath)
  rename: { parameters: ["buffer", "buffer"], result: "i32" },
  // (int fd, mode_t mode)
  fchmod: { parameters: ["i32", "u32"], result: "i32" },
  // ssize_t (const char *pathname, char *buf, size_t bufsiz)
  readlink: { parameters: ["buffer", "buffer", "u64"], result: "i64" },
  // (int flags)
  inotify_init1: { parameters: ["i32"], result: "i32" },
  // (int fd, const char *pathname, uint32_t mask)
  inotify_add_watch: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // uid_t (void)
  geteuid: { parameters: [], result: "u32" },
  // (pid_t pid, int sig)
  kill: { parameters: ["i32", "i32"], result: "i32" },
  // (uid_t uid, struct passwd *pwd, char *buf, size_t buflen, struct passwd **result)
  getpwuid_r: { parameters: ["u32", "pointer", "pointer", "u64", "pointer"], result: "i32" },
} as const satisfies Signatures;

const FILE_INFORMATION = {
  // (int fd, mode_t mode)
  fchmod: { parameters: ["i32", "u32"], result: "i32" },
  // (int fd, const struct timespec times[2])
  futimens: { parameters: ["i32", "buffer"], result: "i32" },
} as const satisfies Signatures;

const GETDENTS = {
  // long (SYS_getdents64, int fd, void *dirp, size_t count)
  syscall: { parameters: ["i32", "i32", "buffer", "u64"], result: "i64" },
} as const satisfies Signatures;

const DEVICES = {
  // (int fd, int operation)
  flock: { parameters: ["i32", "i32"], result: "i32" },
  // (int fd, unsigned long op, void *argp)
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  // (int fd, int mode, off_t offset, off_t len)
  fallocate: { parameters: ["i32", "i32", "i64", "i64"], result: "i32" },
  // off_t (int fd, off_t offset, int whence)
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  // ssize_t (int dirfd, const char *pathname, char *buf, size_t bufsiz)
  readlinkat: { parameters: ["i32", "buffer", "buffer", "u64"], result: "i64" },
  // (struct pollfd *fds, nfds_t nfds, int timeout)
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
  // (clockid_t clockid, struct timespec *tp)
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
} as const satisfies Signatures;

const IOCTL_VALUE = {
  // (int fd, unsigned long op, unsigned long arg)
  ioctl: { parameters: ["i32", "u64", "u64"], result: "i32" },
} as const satisfies Signatures;

const INOTIFY = {
  // (int flags)
  inotify_init1: { parameters: ["i32"], result: "i32" },
  // (int fd, const char *pathname, uint32_t mask)
  inotify_add_watch: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // (int fd, int wd)
  inotify_rm_watch: { parameters: ["i32", "i32"], result: "i32" },
  // (int fd, FIONREAD, int *count)
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  // long (SYS_getdents64, int fd, void *dirp, size_t count)
  syscall: { parameters: ["i32", "i32", "pointer", "u64"], result: "i32" },
} as const satisfies Signatures;

const PWRITEV2 = {
  // long (SYS_pwritev2, int fd, const struct iovec *iov, int iovcnt,
  //       unsigned long pos_l, unsigned long pos_h, rwf_t flags)
  syscall: {
    parameters: ["i32", "i32", "buffer", "i32", "u64", "u64", "i32"],
    result: "i64",
  },
} as const satisfies Signatures;

const PWRITEV2_AT = {
  // The same, with the vector by its address
  syscall: {
    parameters: ["i32", "i32", "pointer", "i32", "u64", "u64", "i32"],
    result: "i64",
  },
} as const satisfies Signatures;

const CACHESTAT = {
  // long (SYS_cachestat, unsigned int fd, struct cachestat_range *cstat_range,
  //       struct cachestat *cstat, unsigned int flags)
  syscall: { parameters: ["i32", "i32", "buffer", "buffer", "u32"], result: "i32" },
} as const satisfies Signatures;

const IO_URING = {
  // long (SYS_io_uring_enter, unsigned fd, unsigned to_submit, unsigned min_complete,
  //       unsigned flags, const void *arg, size_t argsz)
  syscall: {
    parameters: ["i32", "i32", "u32", "u32", "u32", "pointer", "u64"],
    result: "i32",
  },
} as const satisfies Signatures;

const IO_URING_SETUP = {
  // long (SYS_io_uring_setup, unsigned entries, struct io_uring_params *p)
  syscall: { parameters: ["i32", "u32", "buffer"], result: "i32" },
} as const satisfies Signatures;

const FUTEX = {
  // long (SYS_futex, uint32_t *uaddr, int futex_op, uint32_t val,
  //       const struct timespec *timeout, uint32_t *uaddr2, uint32_t val3)
  syscall: {
    parameters: ["i32", "pointer", "i32", "u32", "pointer", "pointer", "u32"],
    result: "i32",
  },
} as const satisfies Signatures;

/** libc, loaded on first use. */
export const libc: () => Functions<typeof LIBC> = library(NAMES, LIBC);

/** What the engine without io_uring calls. */
export const plain: () => Functions<typeof PLAIN> = library(NAMES, PLAIN);

/** `fcntl`, with the parameters of its operations on locks. */
export const fcntlLock: () => Functions<typeof FCNTL_LOCK> = library(NAMES, FCNTL_LOCK);

/** What is done with sockets. */
export const sockets: () => Functions<typeof SOCKETS> = library(NAMES, SOCKETS);

/** Options and names of sockets, and the network interfaces that some name. */
export const socketOptions: () => Functions<typeof SOCKET_OPTIONS> = library(NAMES, SOCKET_OPTIONS);

/** `recvmsg`, with a message that is lent for the call. */
export const messageCalls: () => Functions<typeof MESSAGE_CALLS> = library(NAMES, MESSAGE_CALLS);

/** What connections and their files need beside that. */
export const streams: () => Functions<typeof STREAMS> = library(NAMES, STREAMS);

/** What is done with folders and their entries, and with who owns them. */
export const folders: () => Functions<typeof FOLDERS> = library(NAMES, FOLDERS);

/** What changes a file's mode and times. */
export const fileInformation: () => Functions<typeof FILE_INFORMATION> = library(
  NAMES,
  FILE_INFORMATION,
);

/** `syscall`, with the parameters of `getdents64`. */
export const getdents: () => Functions<typeof GETDENTS> = library(NAMES, GETDENTS);

/** What devices and serial lines need. */
export const deviceCalls: () => Functions<typeof DEVICES> = library(NAMES, DEVICES);

/** `ioctl`, with an argument that is a value. */
export const ioctlValue: () => Functions<typeof IOCTL_VALUE> = library(NAMES, IOCTL_VALUE);

/** What watches directories; `syscall` with the parameters of `getdents64`. */
export const inotify: () => Functions<typeof INOTIFY> = library(NAMES, INOTIFY);

/** `syscall`, with the parameters of `pwritev2`. */
export const pwritev2: () => Functions<typeof PWRITEV2> = library(NAMES, PWRITEV2);

/** As `pwritev2`, with the vector by its address; also for `preadv2`. */
export const pwritev2At: () => Functions<typeof PWRITEV2_AT> = library(NAMES, PWRITEV2_AT);

/** `syscall`, with the parameters of `cachestat`. */
export const cachestat: () => Functions<typeof CACHESTAT> = library(NAMES, CACHESTAT);

/** `syscall`, with the parameters of `io_uring_enter`. */
export const ioUring: () => Functions<typeof IO_URING> = library(NAMES, IO_URING);

/** `syscall`, with the parameters of `io_uring_setup`. */
export const ioUringSetup: () => Functions<typeof IO_URING_SETUP> = library(NAMES, IO_URING_SETUP);

/** `syscall`, with the parameters of `futex`. */
export const futex: () => Functions<typeof FUTEX> = library(NAMES, FUTEX);
