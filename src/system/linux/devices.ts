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
import * as errno from "./errno.ts";
import { isAllocation, startAllocation } from "./fallocate.ts";
import { ioctl } from "./ioctl.ts";
import * as layout from "./layout.ts";
import { type Port, portAt } from "./port.ts";
import { region } from "./region.ts";
import { finishRequest, park } from "./requests.ts";
import { define, defineHandle, DEVICES } from "./rules.ts";
import { READABLE, startOn, WRITABLE } from "./start.ts";
import { self } from "./threads.ts";

/** A call that the starting thread makes itself. */
const CONTROL = DEVICES;

/**
 * In the annex of such a call: whose it is, the place of the thread plus one, and in which life of
 * the request. Negative once the descriptor is not needed any more.
 */
const X_CALLER = layout.X_OWN;
const X_CALLER_LIFE = layout.X_OWN + 1;

define(CONTROL, {
  opcode: 0,
  events: 0,
  perform: () => 0,
  complete: () => {},
  // The call is under way, and what it came to will be told (64).
  cancel: () => {},
  orphaned,
});
defineHandle(layout.KIND_DEVICE, { read: 0, write: 0 });

/** The right that a code of Windows says it needs. */
function rightOf(control: number): number {
  if (control >= IOCTL_BASE) return 0;
  if ((control & CONTROL_NEEDS_WRITE) !== 0) return WRITABLE;
  return (control & CONTROL_NEEDS_READ) !== 0 ? READABLE : 0;
}

/**
 * Tells what the call came to. The handle's descriptor was kept open meanwhile. A thread that
 * ends in between leaves it open, and nobody closes it twice.
 */
function finish(port: Port, request: number, at: number, result: Result): void {
  const { words } = region();
  const caller = layout.annexOf(request) + X_CALLER;
  if (words[caller] > 0) {
    words[caller] = -words[caller];
    closeDescriptor(at);
  }
  port.lock(self());
  const status = result.code === 0 ? 0 : statusOfError(result.code);
  finishRequest(port, request, status, result.bytes, result.errno);
  port.queue.release();
  port.unlock();
}

/** The thread that was making the call has ended: nobody knows what it came to (995). */
function orphaned(request: number, thread: number): void {
  const { words } = region();
  const annex = layout.annexOf(request);
  const isIts = Math.abs(words[annex + X_CALLER]) === thread + 1 &&
    words[annex + X_CALLER_LIFE] === words[request + layout.R_GENERATION];
  if (!isIts) return;
  // From here on it is this thread's, and again another's if this one ends too.
  words[annex + X_CALLER] = Math.sign(words[annex + X_CALLER]) * (layout.placeOf(self()) + 1);
  const handle = words[request + layout.R_HANDLE];
  const port = portAt(words[handle + layout.H_PORT] - 1);
  finish(port, request, handle, {
    code: code.ERROR_OPERATION_ABORTED,
    bytes: 0,
    errno: errno.ECANCELED,
  });
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
        const annex = layout.annexOf(request);
        words[annex + X_CALLER_LIFE] = words[request + layout.R_GENERATION];
        words[annex + X_CALLER] = layout.placeOf(self()) + 1;
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
