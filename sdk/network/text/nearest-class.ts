import type { FloatTensor } from "../../graph/tensor.js";

/** Names less alike than this mean different things: against the classes of Cityscapes a tree has 0.45 (vegetation), a van 0.42 (car), a giraffe 0.32 at most. */
const leastCosine = 0.4;

/**
 * For each name the class that means nearly the same, as an index; undefined where none does.
 *
 * @param names [names, d], rows of length 1
 * @param classes [classes, d], rows of length 1
 */
export function nearestClasses(names: FloatTensor, classes: FloatTensor): (number | undefined)[] {
  const width = classes.shape[1];
  const row = ({ data }: FloatTensor, at: number): Float32Array => data.subarray(at * width, (at + 1) * width);
  return Array.from({ length: names.shape[0] }, (_, at) => {
    const name = row(names, at);
    let [best, most]: [number | undefined, number] = [undefined, leastCosine];
    for (let index = 0; index < classes.shape[0]; index++) {
      const cosine = row(classes, index).reduce((sum, value, i) => sum + value * name[i], 0);
      if (cosine > most) [best, most] = [index, cosine];
    }
    return best;
  });
}

/**
 * What a name means to a model of fixed classes, as its row of E: 1 at its class. A name that is no class has 2 at each, also where there is only one, and so is less likely than every class: beside names
 * that are classes it is never answered.
 */
export function rowOfClass(index: number | undefined, classes: number, width: number): Float32Array {
  const row = new Float32Array(width);
  if (index === undefined) row.fill(2, 0, classes);
  else row[index] = 1;
  return row;
}
