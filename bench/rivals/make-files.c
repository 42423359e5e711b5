// Makes files as fast as the file system does:
//
//     make-files FOLDER FOLDERS FILES
//
// In turn in the folders named 0, 1, ... of FOLDER, which are there. Prints when it began, in
// milliseconds, on the clock that CLOCK_REALTIME is.

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  long folders = atol(argv[2]), files = atol(argv[3]);
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  for (long i = 0; i < files; i++) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%ld/%ld", argv[1], i % folders, i);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) != 0) {
      perror(path);
      return 1;
    }
  }
  printf("%f\n", (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6);
  return 0;
}
