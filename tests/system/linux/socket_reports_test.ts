import { assert, assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { libc, socketOptions, sockets } from "../../../src/ffi/libc.ts";
import type { SocketHandle } from "../../../mod.ts";
import { word } from "../../../src/ffi/library.ts";
import { findHandle } from "../../../src/system/linux/handles.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import { region } from "../../../src/system/linux/region.ts";
import { makeSocket, toLinux } from "../../../src/system/linux/socket-names.ts";
import { takeReports } from "../../../src/system/linux/socket-reports.ts";
import { AF_INET, AF_INET6 } from "../../../src/system/winsock.ts";
import { Datagrams } from "../../conformance/datagrams.ts";
import { itUnless, unlessLinux } from "../../conformance/fixture.ts";

const POLLIN = 0x1;
const POLLERR = 0x8;
const MSG_DONTWAIT = 0x40;

/** This computer's own address of the family, port 0. */
function here(family: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(family === AF_INET6 ? 28 : 16));
  bytes[0] = family;
  if (family === AF_INET6) bytes[23] = 1;
  else bytes.set([127, 0, 0, 1], 4);
  return toLinux(bytes);
}

/** The address of a socket of datagrams that there is no more. */
function nobody(family: number): Uint8Array<ArrayBuffer> {
  const fd = makeSocket(family, true);
  const address = here(family);
  sockets().bind(fd, address, address.length);
  const length = new Uint8Array([address.length, 0, 0, 0]);
  socketOptions().getsockname(fd, address, length);
  libc().close(fd);
  return address;
}

function events(fd: number): number {
  const bytes = new Uint8Array(new ArrayBuffer(8));
  const fields = new DataView(bytes.buffer);
  fields.setInt32(0, fd, true);
  fields.setInt16(4, POLLIN, true);
  sockets().poll(bytes, word(1), 0);
  return fields.getInt16(6, true);
}

/** The descriptor of a socket. */
function descriptorOf(socket: SocketHandle): number {
  const handle = socket.enter("fileno");
  socket.leave();
  return region().words[findHandle(handle) + layout.H_FD];
}

describe("reports of the network", () => {
  itUnless(
    unlessLinux,
    "neither a receive that was told nor a send that went again leaves one",
    () => {
      using udp = new Datagrams();
      const [a, b, gone] = [udp.udp(), udp.udp(), udp.udp()];
      const address = gone.localAddress!;
      gone.close();
      for (let tag = 0; tag < 10; tag++) a.sendTo(udp.buffer("x"), address, tag);
      udp.takeMany(10);
      b.receiveFrom(udp.buffer(8), 1);
      b.sendTo(udp.buffer("x"), address, 2);
      assertEquals(udp.takeMany(2).get(1)!.error?.code, 1234);
      assertEquals(takeReports(descriptorOf(b)), 0);
      // That of the last send is still to be told.
      assertEquals(takeReports(descriptorOf(a)), 1);
    },
  );

  for (const family of [AF_INET, AF_INET6]) {
    itUnless(
      unlessLinux,
      `family ${family}: once they are taken, the socket does not count as ready`,
      () => {
        const fd = makeSocket(family, true);
        try {
          assertEquals(takeReports(fd), 0);
          const address = nobody(family);
          assertEquals(sockets().connect(fd, address, address.length), 0);
          // The second send learns of the first, and so does not go itself.
          for (let i = 0; i < 2; i++) sockets().send(fd, word(0), word(0), MSG_DONTWAIT);
          assert((events(fd) & POLLERR) !== 0);
          assertEquals(takeReports(fd), 1);
          assertEquals([events(fd), takeReports(fd)], [0, 0]);
        } finally {
          libc().close(fd);
        }
      },
    );
  }
});
