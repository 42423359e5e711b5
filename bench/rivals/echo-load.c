/*
 * The client of all echo servers: connections that each have one message under way. One thread.
 *
 *     echo-load PORT CONNECTIONS BYTES SECONDS
 *
 * Prints, as JSON, messages in a second, and in microseconds how long a message took there and back:
 * the median, 99 of 100, and all. What comes in the first quarter of a second does not count.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 512
#define WARM_NS 250000000ull
/* Latencies are counted by steps of a 32nd of their size. */
#define STEPS 32
#define BUCKETS (STEPS * 40)

struct connection {
  int fd;
  size_t sent, received;
  uint64_t began;
};

static struct connection *connections;
static char *message, *room;
static size_t bytes;
static uint64_t counts[BUCKETS], total, longest;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static unsigned bucket(uint64_t ns) {
  if (ns < STEPS) return ns;
  unsigned shift = 63 - __builtin_clzll(ns) - 5;
  unsigned at = (shift + 1) * STEPS + (ns >> shift) - STEPS;
  return at < BUCKETS ? at : BUCKETS - 1;
}

static double micros(double share) {
  uint64_t rest = total * share;
  for (unsigned at = 0; at < BUCKETS; at++) {
    if (counts[at] > rest || at == BUCKETS - 1) {
      unsigned shift = at < 2 * STEPS ? 0 : at / STEPS - 1;
      uint64_t low = at < STEPS ? at : (uint64_t)(at % STEPS + STEPS) << shift;
      return low / 1000.0;
    }
    rest -= counts[at];
  }
  return 0;
}

static void pump(struct connection *c) {
  while (c->sent < bytes) {
    ssize_t done = send(c->fd, message + c->sent, bytes - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (done < 0 && errno == EAGAIN) return;
    if (done < 0) fail("send");
    c->sent += done;
  }
}

static void begin(struct connection *c) {
  c->sent = c->received = 0;
  c->began = now();
  pump(c);
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  int port = atoi(argv[1]), count = atoi(argv[2]);
  bytes = strtoul(argv[3], 0, 10);
  double seconds = atof(argv[4]);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  connections = calloc(count, sizeof *connections);
  message = malloc(bytes);
  room = malloc(1 << 16);
  memset(message, 'x', bytes);
  int ep = epoll_create1(0);
  for (int i = 0; i < count; i++) {
    struct connection *c = &connections[i];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (void *)&to, sizeof to)) fail("connect");
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &event)) fail("epoll_ctl");
  }
  for (int i = 0; i < count; i++) begin(&connections[i]);
  uint64_t from = now() + WARM_NS, end = from + seconds * 1e9, last = from;
  while (last < end) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(ep, events, EVENTS, 1000);
    last = now();
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      for (;;) {
        pump(c);
        ssize_t done = recv(c->fd, room, 1 << 16, MSG_DONTWAIT);
        if (done < 0 && errno == EAGAIN) break;
        if (done <= 0) fail("recv");
        c->received += done;
        if (c->received < bytes) continue;
        uint64_t at = now();
        if (at >= from && at < end) {
          counts[bucket(at - c->began)]++;
          total++;
          if (at - c->began > longest) longest = at - c->began;
        }
        begin(c);
        /* Less came than there is room for: there is nothing more yet. */
        if (done < 1 << 16) break;
      }
    }
  }
  printf("{\"perSecond\":%.0f,\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f}\n", total / seconds,
         micros(0.5), micros(0.99), longest / 1000.0);
}
