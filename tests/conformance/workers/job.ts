/**
 * A Worker that does one job and ends itself.
 *
 * @module
 */

interface Scope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

const scope = globalThis as unknown as Scope;

/** Does `work` with the data that comes, and sends back what it returns or throws. */
export function job<T>(work: (data: T) => unknown): void {
  scope.onmessage = async (event: MessageEvent<T>) => {
    try {
      scope.postMessage({ result: await work(event.data) });
    } catch (error) {
      const text = error instanceof Error ? error.stack ?? error.message : String(error);
      scope.postMessage({ error: text });
    }
    scope.close();
  };
  scope.postMessage("ready");
}
