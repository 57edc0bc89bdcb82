import { type FloatTensor, type Shape, type Tensor, sizeOf } from "../../graph/tensor.js";

/** A matrix as int8 with one scale a row: `value = scale[row] * int8`. */
export interface QuantisedRows {
  readonly values: Tensor<"int8">;
  readonly scales: FloatTensor;
}

/** Rounds each row of a float32 matrix [rows, columns] to int8, symmetric, its largest magnitude becoming 127. */
export function quantiseRows(matrix: FloatTensor): QuantisedRows {
  const [rows, columns] = matrixShape(matrix.shape);
  const scales = new Float32Array(rows);
  const values = new Int8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    const source = matrix.data.subarray(start, start + columns);
    scales[row] = source.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
    // A row of zeros stays zeros.
    const inverse = scales[row] === 0 ? 0 : 1 / scales[row];
    for (let i = 0; i < columns; i++) values[start + i] = Math.round(source[i] * inverse);
  }
  return { values: { dtype: "int8", shape: matrix.shape, data: values }, scales: { dtype: "float32", shape: [rows], data: scales } };
}

/** One row as float32, [columns]. */
export function dequantiseRow({ values, scales }: QuantisedRows, row: number): Float32Array {
  const [, columns] = matrixShape(values.shape);
  return Float32Array.from(values.data.subarray(row * columns, (row + 1) * columns), (value) => value * scales.data[row]);
}

/** The transposed matrix as float32, [columns, rows]: what a product `x W^T` takes as its right factor. */
export function dequantiseTransposed({ values, scales }: QuantisedRows): FloatTensor {
  const [rows, columns] = matrixShape(values.shape);
  const data = new Float32Array(rows * columns);
  for (let column = 0; column < columns; column++)
    for (let row = 0; row < rows; row++) data[column * rows + row] = values.data[row * columns + column] * scales.data[row];
  return { dtype: "float32", shape: [columns, rows], data };
}

/** The standard deviation of all numbers of the matrix. */
export function deviationOf({ values, scales }: QuantisedRows): number {
  const [rows, columns] = matrixShape(values.shape);
  let sum = 0;
  let squares = 0;
  for (let row = 0; row < rows; row++) {
    let [rowSum, rowSquares] = [0, 0];
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      const value = values.data[i];
      rowSum += value;
      rowSquares += value * value;
    }
    sum += rowSum * scales.data[row];
    squares += rowSquares * scales.data[row] ** 2;
  }
  const count = rows * columns;
  return Math.sqrt(squares / count - (sum / count) ** 2);
}

function matrixShape(shape: Shape): [number, number] {
  return [shape[0], sizeOf(shape.slice(1))];
}
