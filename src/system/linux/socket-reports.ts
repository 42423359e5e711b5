/**
 * What the network says of datagrams that were sent: that nobody receives on a port,
 * that there is no way. Windows tells a later receive of the socket (74). Linux tells a
 * socket that has asked for it, whichever call comes next, and keeps the report in a
 * queue that must be emptied, because the socket counts as ready as long as there is one.
 *
 * Source: IP_RECVERR in ip(7), IPV6_RECVERR in ipv6(7), MSG_ERRQUEUE in recv(2).
 *
 * @module
 */

import { messageCalls, socketOptions } from "../../ffi/libc.ts";
import { AF_INET6 } from "../winsock.ts";

const SOL_IP = 0;
const IP_RECVERR = 11;
const SOL_IPV6 = 41;
const IPV6_RECVERR = 25;
const MSG_DONTWAIT = 0x40;
const MSG_ERRQUEUE = 0x2000;

/** More reports than a socket's queue holds in its smallest size. */
const MAX_REPORTS = 1024;

const ONE: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(4));
ONE[0] = 1;
/** A msghdr without room for anything: what does not fit is gone. */
const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(56));

/** Asks for reports. `family` is Winsock's; a socket of IPv6 may send by IPv4 as well. */
export function askForReports(fd: number, family: number): void {
  const { setsockopt } = socketOptions();
  setsockopt(fd, SOL_IP, IP_RECVERR, ONE, ONE.length);
  if (family === AF_INET6) setsockopt(fd, SOL_IPV6, IPV6_RECVERR, ONE, ONE.length);
}

/** Empties the queue of reports. Returns how many there were. */
export function takeReports(fd: number): number {
  const { recvmsg } = messageCalls();
  for (let count = 0; count < MAX_REPORTS; count++) {
    NOTHING.fill(0);
    if (recvmsg(fd, NOTHING, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return count;
  }
  return MAX_REPORTS;
}
