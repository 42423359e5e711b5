// Random reads through io_uring, as a program in C that does nothing else would do them:
//
//     random-read FILE DEPTH THREADS READS UNBUFFERED
//
// READS reads of 4 KiB in each of THREADS threads, each with a ring of its own and DEPTH reads in
// flight; what has come back is started again with the next wait, in one system call. Prints
// reads a second as JSON. A quarter of the reads is done before the clock runs.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 4096 };

static const char *path;
static unsigned depth;
static long reads;
static int unbuffered;
static pthread_barrier_t barrier;

struct ring {
  int fd, file;
  unsigned *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
  struct io_uring_sqe *sqes;
  struct io_uring_cqe *cqes;
  char *memory;
  unsigned blocks, state;
};

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static void open_ring(struct ring *r) {
  struct io_uring_params p = {0};
  r->fd = (int)syscall(SYS_io_uring_setup, depth, &p);
  if (r->fd < 0) fail("io_uring_setup");
  size_t sq = p.sq_off.array + p.sq_entries * sizeof(unsigned);
  size_t cq = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
  size_t size = sq > cq ? sq : cq;
  char *at = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
  if (at == MAP_FAILED) fail("mmap");
  r->sqes = mmap(0, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
  if (r->sqes == MAP_FAILED) fail("mmap");
  r->sq_tail = (unsigned *)(at + p.sq_off.tail);
  r->sq_mask = (unsigned *)(at + p.sq_off.ring_mask);
  r->sq_array = (unsigned *)(at + p.sq_off.array);
  r->cq_head = (unsigned *)(at + p.cq_off.head);
  r->cq_tail = (unsigned *)(at + p.cq_off.tail);
  r->cq_mask = (unsigned *)(at + p.cq_off.ring_mask);
  r->cqes = (struct io_uring_cqe *)(at + p.cq_off.cqes);
  r->file = open(path, O_RDONLY | O_CLOEXEC | (unbuffered ? O_DIRECT : 0));
  if (r->file < 0) fail(path);
  struct stat s;
  if (fstat(r->file, &s) < 0) fail("fstat");
  r->blocks = (unsigned)(s.st_size / BLOCK);
  r->memory = mmap(0, (size_t)depth * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (r->memory == MAP_FAILED) fail("mmap");
}

static void start(struct ring *r, unsigned slot) {
  unsigned tail = *r->sq_tail;
  unsigned index = tail & *r->sq_mask;
  struct io_uring_sqe *e = &r->sqes[index];
  memset(e, 0, sizeof *e);
  r->state = r->state * 1664525u + 1013904223u;
  e->opcode = IORING_OP_READ;
  e->fd = r->file;
  e->off = (unsigned long long)(((unsigned long long)r->state * r->blocks) >> 32) * BLOCK;
  e->addr = (unsigned long long)(r->memory + (size_t)slot * BLOCK);
  e->len = BLOCK;
  e->user_data = slot;
  r->sq_array[index] = index;
  __atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_RELEASE);
}

static void work(struct ring *r, long count) {
  long started = 0, done = 0;
  unsigned fresh = 0;
  for (; fresh < depth && started < count; fresh++, started++) start(r, fresh);
  while (done < count) {
    if (syscall(SYS_io_uring_enter, r->fd, fresh, 1, IORING_ENTER_GETEVENTS, 0, 0) < 0) fail("io_uring_enter");
    fresh = 0;
    unsigned head = *r->cq_head, tail = __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE);
    for (; head != tail; head++) {
      struct io_uring_cqe *c = &r->cqes[head & *r->cq_mask];
      if (c->res != BLOCK) {
        fprintf(stderr, "a read came to %d\n", c->res);
        exit(1);
      }
      done++;
      if (started < count) {
        start(r, (unsigned)c->user_data);
        started++;
        fresh++;
      }
    }
    __atomic_store_n(r->cq_head, head, __ATOMIC_RELEASE);
  }
}

static void *run(void *seed) {
  struct ring r = {.state = (unsigned)(size_t)seed};
  open_ring(&r);
  work(&r, reads / 4);
  pthread_barrier_wait(&barrier);
  work(&r, reads);
  pthread_barrier_wait(&barrier);
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  path = argv[1];
  depth = (unsigned)atoi(argv[2]);
  int threads = atoi(argv[3]);
  reads = atol(argv[4]);
  unbuffered = atoi(argv[5]);
  pthread_barrier_init(&barrier, 0, (unsigned)threads + 1);
  for (long i = 0; i < threads; i++) {
    pthread_t thread;
    if (pthread_create(&thread, 0, run, (void *)(i + 1))) fail("pthread_create");
  }
  struct timespec from, to;
  pthread_barrier_wait(&barrier);
  clock_gettime(CLOCK_MONOTONIC, &from);
  pthread_barrier_wait(&barrier);
  clock_gettime(CLOCK_MONOTONIC, &to);
  double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
  printf("{\"value\": %f}\n", (double)(reads * threads) / seconds);
  return 0;
}
