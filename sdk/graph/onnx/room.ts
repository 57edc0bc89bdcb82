/** Elements: what masks and places of shifted windows take together, and no more than a reader can spare. */
const mostElements = 2 ** 23;

/** What may be made of one file beside what it holds: a few bytes state a tensor of any size, and a few more a hundred of them. */
export class Room {
  #left = mostElements;

  /** In elements. */
  get left(): number {
    return this.#left;
  }

  /** Whether there is room for so many elements more, and takes it. */
  take(elements: number): boolean {
    const fits = elements >= 0 && elements <= this.#left;
    if (fits) this.#left -= elements;
    return fits;
  }
}
