/**
 * Control codes on Linux: those of Windows that have a twin, and every ioctl by
 * its number.
 *
 * Zeroing and allocating a range is the engine's work. All else are short calls
 * that the thread makes which starts the operation, because neither io_uring nor
 * epoll knows them; a device that takes long for an ioctl makes it wait.
 *
 * @module
 */

import * as code from "../codes.ts";
import type { DeviceSystem } from "../contract.ts";
import { CONTROL_NEEDS_READ, CONTROL_NEEDS_WRITE, IOCTL_BASE } from "../controls.ts";
import { statusOfError } from "../status.ts";
import { type Call, controlOf, type Result } from "./controls.ts";
import { closeDescriptor, openDescriptor } from "./descriptors.ts";
import { isAllocation, startAllocation } from "./fallocate.ts";
import { ioctl } from "./ioctl.ts";
import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import { finishRequest, park } from "./requests.ts";
import { define, defineHandle, DEVICES } from "./rules.ts";
import { READABLE, startOn, WRITABLE } from "./start.ts";
import { self } from "./threads.ts";

/** A call that the starting thread makes itself. */
const CONTROL = DEVICES;

define(CONTROL, {
  opcode: 0,
  events: 0,
  perform: () => 0,
  complete: () => {},
  // The call is under way, and what it came to will be told (64).
  cancel: () => {},
});
defineHandle(layout.KIND_DEVICE, { read: 0, write: 0 });

/** The right that a code of Windows says it needs. */
function rightOf(control: number): number {
  if (control >= IOCTL_BASE) return 0;
  if ((control & CONTROL_NEEDS_WRITE) !== 0) return WRITABLE;
  return (control & CONTROL_NEEDS_READ) !== 0 ? READABLE : 0;
}

/** Makes the call and tells what it came to. The handle's descriptor is kept open meanwhile. */
function finish(port: Port, request: number, at: number, result: Result): void {
  closeDescriptor(at);
  port.lock(self());
  const status = result.code === 0 ? 0 : statusOfError(result.code);
  finishRequest(port, request, status, result.bytes, result.errno);
  port.queue.release();
  port.unlock();
}

/** The contract's functions for devices. */
export const devices: DeviceSystem = {
  deviceIoControl(device, control, input, inputLength, output, outputLength, overlapped): number {
    if (isAllocation(control)) {
      return startAllocation(device, control, input, inputLength, overlapped);
    }
    const call: Call = { fd: -1, input, inputLength, output, outputLength };
    const work = control >= IOCTL_BASE
      ? (call: Call) => ioctl(control - IOCTL_BASE, call)
      : controlOf(control);
    // As on Windows, a handle that is none or has no port is told before an unknown code.
    let mine: readonly [Port, number, number] | undefined;
    const answer = startOn(
      device,
      0,
      rightOf(control),
      CONTROL,
      overlapped,
      (port, request, at) => {
        const { words } = region();
        call.fd = words[at + layout.H_FD];
        openDescriptor(at);
        park(request);
        mine = [port, request, at];
      },
    );
    if (mine === undefined) return answer;
    const [port, request, at] = mine;
    finish(port, request, at, work(call));
    return code.ERROR_IO_PENDING;
  },
};
