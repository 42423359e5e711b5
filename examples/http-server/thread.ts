/**
 * The threads of `examples/http-server.ts`.
 *
 * @module
 */

import { serve } from "../../src/pool/thread.ts";
import { type HttpData, Service } from "./service.ts";

let service: Service;

serve({
  start(thread) {
    service = new Service(thread, thread.data as HttpData);
  },
  callbacks: {
    accepted: (packet) => service.accepted(packet),
  },
  packet: (packet) => service.goOn(packet),
  stop: () => service[Symbol.dispose](),
});
