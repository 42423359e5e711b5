/*
 * The client of all servers that send datagrams back: sockets that each have one under way. One thread.
 *
 *     datagram-load PORT SOCKETS BYTES SECONDS
 *
 * Prints, as JSON, datagrams in a second, and in microseconds how long one took there and back: the
 * median, 99 of 100, and how many were sent again because nothing came back for 200 ms. What comes in the first
 * quarter of a second does not count.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 512
#define WARM_NS 250000000ull
#define LOST_NS 200000000ull
/* Times are counted by microseconds, up to a tenth of a second. */
#define BUCKETS 100000

struct place {
  int fd;
  uint64_t began;
};

static uint64_t counts[BUCKETS], total, lost;
static char *message, *room;
static size_t bytes;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static unsigned micros(double share) {
  uint64_t rest = total * share;
  for (unsigned at = 0; at < BUCKETS; at++) {
    if (counts[at] > rest) return at;
    rest -= counts[at];
  }
  return BUCKETS;
}

static void begin(struct place *p) {
  p->began = now();
  /* What cannot go now counts as lost. */
  if (send(p->fd, message, bytes, MSG_DONTWAIT) < 0 && errno != EAGAIN && errno != ECONNREFUSED) {
    fail("send");
  }
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  int port = atoi(argv[1]), count = atoi(argv[2]);
  bytes = strtoul(argv[3], 0, 10);
  double seconds = atof(argv[4]);
  struct place *places = calloc(count, sizeof *places);
  message = malloc(bytes);
  room = malloc(1 << 16);
  memset(message, 'x', bytes);
  int ep = epoll_create1(0);
  for (int i = 0; i < count; i++) {
    struct place *p = &places[i];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    p->fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (p->fd < 0 || connect(p->fd, (void *)&to, sizeof to)) fail("connect");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, p->fd, &event)) fail("epoll_ctl");
  }
  for (int i = 0; i < count; i++) begin(&places[i]);
  uint64_t from = now() + WARM_NS, end = from + seconds * 1e9, last = from, looked = from;
  while (last < end) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(ep, events, EVENTS, 50);
    last = now();
    for (int i = 0; i < ready; i++) {
      struct place *p = events[i].data.ptr;
      if (recv(p->fd, room, 1 << 16, MSG_DONTWAIT) != (ssize_t)bytes) continue;
      uint64_t at = now(), took = (at - p->began) / 1000;
      if (at >= from && at < end) {
        counts[took < BUCKETS ? took : BUCKETS - 1]++;
        total++;
      }
      begin(p);
    }
    if (last < looked + LOST_NS) continue;
    looked = last;
    for (int i = 0; i < count; i++) {
      if (last < places[i].began + LOST_NS) continue;
      lost++;
      begin(&places[i]);
    }
  }
  printf("{\"perSecond\":%.0f,\"p50\":%u,\"p99\":%u,\"lost\":%lu}\n", total / seconds, micros(0.5),
         micros(0.99), (unsigned long)lost);
}
