/**
 * The numbers of Winsock, which the contract uses on both systems.
 *
 * @module
 */

/** Address family: names in the file system. */
export const AF_UNIX = 1;
/** Address family: IPv4. */
export const AF_INET = 2;
/** Address family: IPv6; Linux says 10. */
export const AF_INET6 = 23;

/** Socket type: a stream of bytes. */
export const SOCK_STREAM = 1;
/** Socket type: datagrams. */
export const SOCK_DGRAM = 2;
/** Protocol of streams. */
export const IPPROTO_TCP = 6;
/** Protocol of datagrams. */
export const IPPROTO_UDP = 17;

/** Bytes of a SOCKADDR_IN. */
export const SOCKADDR_IN_BYTES = 16;
/** Bytes of a SOCKADDR_IN6. */
export const SOCKADDR_IN6_BYTES = 28;
/** Bytes of the longest SOCKADDR: a SOCKADDR_STORAGE. */
export const SOCKADDR_BYTES = 128;
/** Bytes that AcceptEx wants for each of its two addresses. */
export const ACCEPT_ADDRESS_BYTES: number = SOCKADDR_BYTES + 16;
/** Bytes of a WSABUF: the length, padding, the address. */
export const WSABUF_BYTES = 16;
/** Bytes of a WSAMSG. */
export const WSAMSG_BYTES = 56;

/** `shutdown`: nothing more is received. */
export const SD_RECEIVE = 0;
/** `shutdown`: nothing more is sent. */
export const SD_SEND = 1;
/** `shutdown`: both. */
export const SD_BOTH = 2;

/** Flag of a receive: look, and leave it there. */
export const MSG_PEEK = 0x2;
/** Flag of a receive: wait until the buffers are full. */
export const MSG_WAITALL = 0x8;
/** Flag that came: the message was longer. */
export const MSG_TRUNC = 0x100;
/** Flag that came: the control data were longer. */
export const MSG_CTRUNC = 0x200;
/** Flag that came: a part of a datagram. */
export const MSG_PARTIAL = 0x8000;

/** `flags` of `transmitFile`: part afterwards. */
export const TF_DISCONNECT = 0x1;
/** `flags`: the socket can be used again. */
export const TF_REUSE_SOCKET = 0x2;

/** Option level: the socket. */
export const SOL_SOCKET = 0xFFFF;
/** Option level: IPv4. */
export const IPPROTO_IP = 0;
/** Option level: IPv6. */
export const IPPROTO_IPV6 = 41;

/** SOL_SOCKET: an address that is in use may be bound. */
export const SO_REUSEADDR = 0x4;
/** SOL_SOCKET: nobody else may bind the address. */
export const SO_EXCLUSIVEADDRUSE: number = ~SO_REUSEADDR;
/** SOL_SOCKET: ask now and then whether the other end is there. */
export const SO_KEEPALIVE = 0x8;
/** SOL_SOCKET: datagrams may go to everybody. */
export const SO_BROADCAST = 0x20;
/** SOL_SOCKET: what closing does with data not sent yet; two 16-bit numbers: on, seconds. */
export const SO_LINGER = 0x80;
/** SOL_SOCKET: bytes the system keeps to be sent. */
export const SO_SNDBUF = 0x1001;
/** SOL_SOCKET: bytes the system keeps to be received. */
export const SO_RCVBUF = 0x1002;
/** SOL_SOCKET: what has gone wrong since the last look; a Winsock code. */
export const SO_ERROR = 0x1007;
/** SOL_SOCKET: the socket's type. */
export const SO_TYPE = 0x1008;
/** SOL_SOCKET: who sends arrives with a message. Linux has it and Winsock not: a number of this module's own. */
export const SO_PASSCRED = 0x10010;
/** SOL_SOCKET: an accepted socket takes over the listener's properties; the listener's handle, 8 bytes. */
export const SO_UPDATE_ACCEPT_CONTEXT = 0x700B;
/** SOL_SOCKET: a socket that ConnectEx has connected can do all that others can. */
export const SO_UPDATE_CONNECT_CONTEXT = 0x7010;

/** IPPROTO_TCP: do not wait for more to send. */
export const TCP_NODELAY = 0x1;
/** IPPROTO_TCP: seconds of silence before the other end is asked. */
export const TCP_KEEPIDLE = 3;
/** IPPROTO_TCP: how often it is asked before the connection is given up. */
export const TCP_KEEPCNT = 16;
/** IPPROTO_TCP: seconds between. */
export const TCP_KEEPINTVL = 17;

/** IPPROTO_IP: routers a datagram may pass. */
export const IP_TTL = 4;
/** IPPROTO_IP: the interface that datagrams to groups leave by; an address. */
export const IP_MULTICAST_IF = 9;
/** IPPROTO_IP: routers a datagram to a group may pass. */
export const IP_MULTICAST_TTL = 10;
/** IPPROTO_IP: datagrams to a group also come to this computer. */
export const IP_MULTICAST_LOOP = 11;
/** IPPROTO_IP: join a group; its address, then the interface's. */
export const IP_ADD_MEMBERSHIP = 12;
/** IPPROTO_IP: leave it. */
export const IP_DROP_MEMBERSHIP = 13;
/** IPPROTO_IP: the address a datagram came to arrives with it. */
export const IP_PKTINFO = 19;
/** IPPROTO_IP: the hop limit arrives with a datagram; Windows calls it IP_RECVTTL. */
export const IP_RECVTTL = 21;

/** IPPROTO_IPV6: routers a datagram may pass. */
export const IPV6_UNICAST_HOPS = 4;
/** IPPROTO_IPV6: the interface that datagrams to groups leave by; its index. */
export const IPV6_MULTICAST_IF = 9;
/** IPPROTO_IPV6: routers a datagram to a group may pass. */
export const IPV6_MULTICAST_HOPS = 10;
/** IPPROTO_IPV6: datagrams to a group also come to this computer. */
export const IPV6_MULTICAST_LOOP = 11;
/** IPPROTO_IPV6: join a group; its address, then the interface's index. */
export const IPV6_ADD_MEMBERSHIP = 12;
/** IPPROTO_IPV6: leave it. */
export const IPV6_DROP_MEMBERSHIP = 13;
/** IPPROTO_IPV6: the address a datagram came to arrives with it. */
export const IPV6_PKTINFO = 19;
/** IPPROTO_IPV6: the hop limit arrives with a datagram. */
export const IPV6_HOPLIMIT = 21;
/** IPPROTO_IPV6: no IPv4 through this socket. */
export const IPV6_V6ONLY = 27;
