// Packets posted and taken in one thread, by the calls of kernel32 that the module makes itself:
//
//     post-take PACKETS BATCH
//
// BATCH are posted, then taken with GetQueuedCompletionStatusEx. Prints packets a second. A quarter
// of the packets is posted before the clock runs.

#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

enum { MOST = 1024 };

static OVERLAPPED_ENTRY entries[MOST];

static long work(HANDLE port, long packets, ULONG batch) {
  long taken = 0;
  while (taken < packets) {
    for (ULONG i = 0; i < batch; i++) {
      if (!PostQueuedCompletionStatus(port, i, 1, NULL)) exit(1);
    }
    for (ULONG left = batch, count = 0; left > 0; left -= count) {
      if (!GetQueuedCompletionStatusEx(port, entries, left, &count, INFINITE, FALSE)) exit(1);
      for (ULONG i = 0; i < count; i++) taken += (long)entries[i].lpCompletionKey;
    }
  }
  return taken;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  long packets = atol(argv[1]);
  ULONG batch = (ULONG)atol(argv[2]);
  HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
  if (port == NULL || batch > MOST) return 1;
  work(port, packets / 4, batch);
  LARGE_INTEGER hertz, from, to;
  QueryPerformanceFrequency(&hertz);
  QueryPerformanceCounter(&from);
  long taken = work(port, packets, batch);
  QueryPerformanceCounter(&to);
  printf("%f\n", (double)taken * (double)hertz.QuadPart / (double)(to.QuadPart - from.QuadPart));
  return 0;
}
