/** Lets asynchronous work through one at a time, in the order in which it was asked for. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    // Whoever asked is told of a failure; whoever comes next is not.
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
