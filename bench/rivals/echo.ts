/**
 * A Worker that sends back what it gets.
 *
 * @module
 */

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: unknown): void;
};
scope.onmessage = ({ data }) => scope.postMessage(data);
