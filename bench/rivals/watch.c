// Changes of a folder through inotify, as a program in C that does nothing else would read them:
//
//     watch FOLDER FILES
//
// Watches FOLDER and the folders in it, prints "ready", then counts new files until it has seen
// FILES of them or nothing has come for a second. Prints as JSON how many there were, how many
// overflows, and when the last one came, on the clock that CLOCK_REALTIME is.

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

static char buffer[1 << 20] __attribute__((aligned(8)));

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  long files = atol(argv[2]), seen = 0, overflows = 0;
  int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  unsigned mask = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
  if (fd < 0 || inotify_add_watch(fd, argv[1], mask) < 0) return 1;
  DIR *folder = opendir(argv[1]);
  for (struct dirent *e; (e = readdir(folder)) != 0;) {
    char path[PATH_MAX];
    if (e->d_type != DT_DIR || e->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
    if (inotify_add_watch(fd, path, mask) < 0) return 1;
  }
  printf("ready\n");
  fflush(stdout);
  double last = now();
  while (seen < files) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, seen == 0 ? 30000 : 1000) <= 0) break;
    ssize_t bytes = read(fd, buffer, sizeof buffer);
    for (char *at = buffer; at < buffer + bytes;) {
      struct inotify_event *e = (struct inotify_event *)at;
      if (e->mask & IN_Q_OVERFLOW) overflows++;
      else if (e->mask & IN_CREATE) seen++;
      at += sizeof *e + e->len;
    }
    last = now();
  }
  printf("{\"seen\": %ld, \"overflows\": %ld, \"last\": %f}\n", seen, overflows, last);
  return 0;
}
