/**
 * Many ports.
 *
 * @module
 */

import { CompletionPort, FileHandle, NativeBuffer } from "../../../mod.ts";
import type { Contender, Runner } from "../../scenario.ts";
import { smallFile } from "./reads.ts";

/** Nanoseconds of a packet when `count` ports are posted to and taken from in turn. */
export function postsToPorts(count: number, packets: number): Contender {
  return {
    name: "a packet posted and taken",
    isOurs: true,
    open(): Runner {
      const ports = Array.from({ length: count }, () => new CompletionPort());
      return {
        pass: () =>
          nanoseconds(ports, packets, (port) => {
            port.post({ key: 1 });
            if (port.get()?.key !== 1) throw new Error("Another packet has come");
          }),
        close: () => ports.forEach((port) => port.close()),
      };
    },
  };
}

/** Nanoseconds of a read when each of `count` ports has a file. */
export function readsOfPorts(count: number, reads: number): Contender {
  return {
    name: "a read of 4 KiB",
    isOurs: true,
    open(): Runner {
      const buffer = NativeBuffer.allocate(4096);
      const pairs = Array.from({ length: count }, () => {
        const port = new CompletionPort();
        const file = FileHandle.open(smallFile());
        port.associate(file, 1);
        return { port, file };
      });
      return {
        pass: () =>
          nanoseconds(pairs, reads, ({ port, file }) => {
            file.read(buffer, 0);
            const packet = port.get();
            if (packet?.bytesTransferred !== 4096) throw new Error("A read came short");
          }),
        close(): void {
          for (const { port, file } of pairs) {
            file.close();
            port.close();
          }
          buffer.free();
        },
      };
    },
  };
}

function nanoseconds<T>(all: readonly T[], count: number, work: (one: T) => void): number {
  const turns = Math.ceil(count / all.length);
  const began = performance.now();
  for (let i = 0; i < turns; i++) all.forEach(work);
  return (performance.now() - began) * 1e6 / (turns * all.length);
}
