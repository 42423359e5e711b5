/**
 * Workers of scenarios: started from a module of the bench, given jobs, ended.
 *
 * @module
 */

/** What a Worker says: that it is there, or what a job has come to. */
type Message = "ready" | { readonly result: unknown } | { readonly error: string };

/** A Worker that does one job at a time; its module calls `doJobs`. */
export class JobWorker {
  readonly #worker: Worker;
  #settle: { resolve: (result: never) => void; reject: (error: Error) => void } | null = null;
  /** Resolves when it takes jobs. */
  readonly ready: Promise<void>;

  constructor(module: URL) {
    this.#worker = new Worker(module.href, { type: "module" });
    this.ready = this.#next();
    this.#worker.onmessage = ({ data }: MessageEvent<Message>) => {
      if (data === "ready") this.#end().resolve(undefined as never);
      else if ("error" in data) this.#end().reject(new Error(data.error));
      else this.#end().resolve(data.result as never);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#settle?.reject(new Error(event.message));
    };
  }

  /** Has it do a job; `transfer` goes along. */
  run<T>(job: unknown, transfer: Transferable[] = []): Promise<T> {
    const result = this.#next<T>();
    this.#worker.postMessage(job, transfer);
    return result;
  }

  /** Sends it a message that is no job. */
  post(message: unknown): void {
    this.#worker.postMessage(message);
  }

  /** Ends it. It must not be at work. */
  close(): void {
    this.#worker.terminate();
  }

  #next<T>(): Promise<T> {
    return new Promise<T>((resolve, reject) => this.#settle = { resolve, reject });
  }

  #end() {
    const settle = this.#settle!;
    this.#settle = null;
    return settle;
  }
}

/** As many Workers as asked for, ready. */
export async function startWorkers(module: URL, count: number): Promise<JobWorker[]> {
  const workers = Array.from({ length: count }, () => new JobWorker(module));
  await Promise.all(workers.map((worker) => worker.ready));
  return workers;
}

interface WorkerScope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: Message): void;
}

/** The Worker's side: `work` is called with each job. */
export function doJobs<J>(work: (job: J, event: MessageEvent) => unknown): void {
  const scope = globalThis as unknown as WorkerScope;
  scope.onmessage = async (event) => {
    try {
      scope.postMessage({ result: await work(event.data as J, event) });
    } catch (error) {
      scope.postMessage({ error: error instanceof Error ? error.stack ?? "" : String(error) });
    }
  };
  scope.postMessage("ready");
}
