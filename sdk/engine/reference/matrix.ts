import { broadcastReader, fill } from "./array.js";
import type { Kernels } from "./kernel.js";

export const matrix = {
  MatMul: ([a, b], _, [{ dtype, shape }]) => {
    const [rank, inner] = [shape.length, a.shape[a.shape.length - 1]];
    const [readA, readB] = [broadcastReader(a, rank), broadcastReader(b, rank)];
    return [
      fill(dtype, shape, (index) => {
        const [row, column] = [index.slice(), index.slice()];
        let sum = 0;
        for (let k = 0; k < inner; k++) {
          row[rank - 1] = k;
          column[rank - 2] = k;
          sum += readA(row) * readB(column);
        }
        return sum;
      }),
    ];
  },
  Gemm: ([a, b, c], { alpha, beta, transA, transB }, [{ dtype, shape }]) => {
    const inner = a.shape[transA ? 0 : 1];
    const [rowsA, rowsB] = [a.shape[1], b.shape[1]];
    const readC = c && broadcastReader(c, 2);
    return [
      fill(dtype, shape, (index) => {
        const [i, j] = index;
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += a.data[transA ? k * rowsA + i : i * rowsA + k] * b.data[transB ? j * rowsB + k : k * rowsB + j];
        return alpha * sum + (readC ? beta * readC(index) : 0);
      }),
    ];
  },
} satisfies Kernels;
