/**
 * Sockets on Windows.
 *
 * @module
 */

import { ERROR_NOT_SUPPORTED } from "../codes.ts";
import type { Outcome, SocketSystem } from "../contract.ts";

const NONE: Outcome = { code: ERROR_NOT_SUPPORTED, value: 0, errno: 0 };

/** The contract's functions for sockets. */
export const sockets: SocketSystem = {
  wsaSocket: (_family, _type, _protocol) => NONE,
  bind: (_socket, _address) => ERROR_NOT_SUPPORTED,
  listen: (_socket, _backlog) => ERROR_NOT_SUPPORTED,
  shutdown: (_socket, _how) => ERROR_NOT_SUPPORTED,
  getSockName: (_socket, _address) => NONE,
  getPeerName: (_socket, _address) => NONE,
  setSockOpt: (_socket, _level, _name, _value) => ERROR_NOT_SUPPORTED,
  getSockOpt: (_socket, _level, _name, _value) => NONE,
  acceptEx: (_listener, _accepted, _buffer, _bytes, _local, _remote, _overlapped) =>
    ERROR_NOT_SUPPORTED,
  connectEx: (_socket, _address, _addressBytes, _buffer, _sendBytes, _overlapped) =>
    ERROR_NOT_SUPPORTED,
  disconnectEx: (_socket, _flags, _overlapped) => ERROR_NOT_SUPPORTED,
  wsaSend: (_socket, _buffers, _count, _flags, _overlapped) => ERROR_NOT_SUPPORTED,
  wsaRecv: (_socket, _buffers, _count, _flags, _overlapped) => ERROR_NOT_SUPPORTED,
  wsaSendTo: (_socket, _buffers, _count, _flags, _address, _addressBytes, _overlapped) =>
    ERROR_NOT_SUPPORTED,
  wsaRecvFrom: (_socket, _buffers, _count, _flags, _address, _addressBytes, _overlapped) =>
    ERROR_NOT_SUPPORTED,
  wsaSendMsg: (_socket, _message, _flags, _overlapped) => ERROR_NOT_SUPPORTED,
  wsaRecvMsg: (_socket, _message, _overlapped) => ERROR_NOT_SUPPORTED,
  transmitFile: (_socket, _file, _length, _head, _headBytes, _tail, _tailBytes, _flags, _ov) =>
    ERROR_NOT_SUPPORTED,
  encodeControl: (_family, _control) => new Uint8Array(new ArrayBuffer(0)),
  decodeControl: (_bytes) => ({}),
  ifNameToIndex: (_name) => NONE,
};
