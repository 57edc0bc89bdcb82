/** Places in the shared memory. */
const stopping = 0;
const inside = 1;

/** How long ending the program may be held up, milliseconds; a run takes a small part of it. */
const patienceMs = 10_000;

/** Of the threads that run. One listener of the process serves them all, as Node warns of more than ten. */
const watched = new Set<ExitGuard>();

/**
 * Keeps a program that ends from ending a thread in the middle of native code, which would abort the process: whoever ends waits
 * until the thread is out, and the thread does not go in again. Both sides make one over the same memory.
 */
export class ExitGuard {
  readonly #flags: Int32Array;

  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.#flags = new Int32Array(memory);
  }

  /** Whether the program is ending, and waits for the thread to come out. */
  get isStopping(): boolean {
    return Atomics.load(this.#flags, stopping) === 1;
  }

  /** In the thread: does work that must not be cut off. Where the program is ending, neither the work nor what comes after it is done. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    Atomics.store(this.#flags, inside, 1);
    try {
      // Looked at after the flag was set, as `stop` sets its own before it looks at ours: one of both sees the other.
      if (!this.isStopping) return await work();
    } finally {
      this.#leave();
    }
    return new Promise<never>(() => undefined);
  }

  /** In the program: whoever ends it waits for the thread from now on, until what this returns is called. */
  watch(): () => void {
    if (watched.size === 0) process.on("exit", stopAll);
    watched.add(this);
    return () => {
      watched.delete(this);
      if (watched.size === 0) process.off("exit", stopAll);
    };
  }

  /** From now on the thread does not go in. */
  stop(): void {
    Atomics.store(this.#flags, stopping, 1);
  }

  /** Blocks until the thread is outside, or for so long. */
  wait(mostMs: number): void {
    Atomics.wait(this.#flags, inside, 1, Math.max(0, mostMs));
  }

  #leave(): void {
    Atomics.store(this.#flags, inside, 0);
    Atomics.notify(this.#flags, inside);
  }
}

/** All are stopped before one is waited for, so that together they take no longer than the slowest. */
function stopAll(): void {
  const deadlineMs = performance.now() + patienceMs;
  for (const guard of watched) guard.stop();
  for (const guard of watched) guard.wait(deadlineMs - performance.now());
}
