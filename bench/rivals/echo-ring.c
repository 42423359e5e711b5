/*
 * The rival in C: an echo server on io_uring, one thread, without a library. For each connection
 * a receive or a send is in flight; what a turn of the loop starts is submitted together with the wait.
 *
 *     echo-ring BYTES [defer]
 *
 * BYTES is what is received at once. `defer` lets the kernel do the work of completions only while
 * the thread waits, which a ring of one thread may (IORING_SETUP_DEFER_TASKRUN). Prints its port.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 4096
#define CONNECTIONS 65536

enum { ACCEPT, RECEIVE, SEND };

struct connection {
  char *memory;
  unsigned length, sent;
};

static struct connection connections[CONNECTIONS];
static size_t bytes;
static int ring_fd, listener;
static unsigned *sq_head, *sq_tail, *cq_head, *cq_tail, *sq_array;
static unsigned sq_mask, cq_mask, pending;
static struct io_uring_sqe *sqes;
static struct io_uring_cqe *cqes;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void *map(size_t length, off_t offset) {
  void *at = mmap(0, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring_fd, offset);
  if (at == MAP_FAILED) fail("mmap");
  return at;
}

static void open_ring(int defer) {
  struct io_uring_params p = {0};
  if (defer) p.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  ring_fd = syscall(SYS_io_uring_setup, ENTRIES, &p);
  if (ring_fd < 0) fail("io_uring_setup");
  char *sq = map(p.sq_off.array + p.sq_entries * 4, IORING_OFF_SQ_RING);
  char *cq = map(p.cq_off.cqes + p.cq_entries * sizeof *cqes, IORING_OFF_CQ_RING);
  sqes = map(p.sq_entries * sizeof *sqes, IORING_OFF_SQES);
  sq_head = (void *)(sq + p.sq_off.head);
  sq_tail = (void *)(sq + p.sq_off.tail);
  sq_array = (void *)(sq + p.sq_off.array);
  sq_mask = *(unsigned *)(sq + p.sq_off.ring_mask);
  cq_head = (void *)(cq + p.cq_off.head);
  cq_tail = (void *)(cq + p.cq_off.tail);
  cq_mask = *(unsigned *)(cq + p.cq_off.ring_mask);
  cqes = (void *)(cq + p.cq_off.cqes);
}

static void enter(unsigned wait) {
  unsigned flags = wait ? IORING_ENTER_GETEVENTS : 0;
  int done = syscall(SYS_io_uring_enter, ring_fd, pending, wait, flags, 0, 0);
  if (done >= 0) pending -= done;
  else if (errno != EINTR && errno != EBUSY) fail("io_uring_enter");
}

static void start(int opcode, int fd, void *address, unsigned length, int what) {
  while (*sq_tail - __atomic_load_n(sq_head, __ATOMIC_ACQUIRE) > sq_mask) enter(0);
  unsigned index = *sq_tail & sq_mask;
  struct io_uring_sqe *sqe = &sqes[index];
  memset(sqe, 0, sizeof *sqe);
  sqe->opcode = opcode;
  sqe->fd = fd;
  sqe->addr = (uintptr_t)address;
  sqe->len = length;
  sqe->user_data = (uint64_t)what << 32 | (unsigned)fd;
  if (opcode == IORING_OP_SEND) sqe->msg_flags = MSG_NOSIGNAL;
  sq_array[index] = index;
  __atomic_store_n(sq_tail, *sq_tail + 1, __ATOMIC_RELEASE);
  pending++;
}

static void receive(int fd) {
  start(IORING_OP_RECV, fd, connections[fd].memory, bytes, RECEIVE);
}

static void send_rest(int fd) {
  struct connection *c = &connections[fd];
  start(IORING_OP_SEND, fd, c->memory + c->sent, c->length - c->sent, SEND);
}

static void complete(int what, int fd, int result) {
  if (what == ACCEPT) {
    start(IORING_OP_ACCEPT, listener, 0, 0, ACCEPT);
    if (result < 0 || result >= CONNECTIONS) return;
    int one = 1;
    setsockopt(result, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (!connections[result].memory) connections[result].memory = malloc(bytes);
    receive(result);
    return;
  }
  if (result <= 0) {
    close(fd);
    return;
  }
  struct connection *c = &connections[fd];
  if (what == RECEIVE) {
    c->length = result;
    c->sent = 0;
    send_rest(fd);
  } else if ((c->sent += result) < c->length) {
    send_rest(fd);
  } else {
    receive(fd);
  }
}

int main(int argc, char **argv) {
  bytes = argc > 1 ? strtoul(argv[1], 0, 10) : 16384;
  open_ring(argc > 2 && !strcmp(argv[2], "defer"));
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  if (bind(listener, (void *)&address, length) || listen(listener, 4096)) fail("listen");
  getsockname(listener, (void *)&address, &length);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (int i = 0; i < 64; i++) start(IORING_OP_ACCEPT, listener, 0, 0, ACCEPT);
  for (;;) {
    enter(1);
    unsigned head = *cq_head, tail = __atomic_load_n(cq_tail, __ATOMIC_ACQUIRE);
    for (; head != tail; head++) {
      struct io_uring_cqe cqe = cqes[head & cq_mask];
      complete(cqe.user_data >> 32, (int)cqe.user_data, cqe.res);
    }
    __atomic_store_n(cq_head, head, __ATOMIC_RELEASE);
  }
}
