import test from "ava";
import { type Intrinsics, undistorted } from "../../../adapters/cameras/undistort.js";
import { nowNs } from "../../../sdk/frame.js";
import type { Camera } from "../../../sdk/stream/camera.js";

const width = 160;
const height = 120;
const lens: Intrinsics = { width, height, fx: 130, fy: 125, cx: 82, cy: 57, distortion: [-0.28, 0.09, 0.002, -0.001, -0.01] };

/** A frame whose pixels say where they are: red its column, green its row. */
function ramp(columns: number, rows: number): Uint8Array {
  const rgb = new Uint8Array(columns * rows * 3);
  for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) rgb.set([x, y, 200], (y * columns + x) * 3);
  return rgb;
}

const showing = (columns: number, rows: number): Camera => ({
  name: "test",
  live: false,
  async *frames() {
    yield { camera: "test", sequence: 7, captureTimeNs: nowNs(), width: columns, height: rows, rgb: ramp(columns, rows) };
  },
});

/** Brown-Conrady, written out: where the pixel (x, y) of an ideal camera lies in the distorted picture. */
function distort(x: number, y: number): [number, number] {
  const [k1, k2, p1, p2, k3] = [-0.28, 0.09, 0.002, -0.001, -0.01];
  const [a, b] = [(x - lens.cx) / lens.fx, (y - lens.cy) / lens.fy];
  const r2 = a * a + b * b;
  const radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3));
  return [lens.fx * (a * radial + 2 * p1 * a * b + p2 * (r2 + 2 * a * a)) + lens.cx, lens.fy * (b * radial + p1 * (r2 + 2 * b * b) + 2 * p2 * a * b) + lens.cy];
}

test("each pixel comes from where the distortion puts it", async (t) => {
  for await (const frame of undistorted(showing(width, height), lens).frames(new AbortController().signal)) {
    t.is(frame.sequence, 7);
    t.is(frame.rgb.length, width * height * 3);
    let [worst, most] = [0, 0];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const [fromX, fromY] = distort(x, y);
        if (fromX < 1 || fromY < 1 || fromX > width - 2 || fromY > height - 2) continue;
        const at = (y * width + x) * 3;
        worst = Math.max(worst, Math.abs(frame.rgb[at] - fromX), Math.abs(frame.rgb[at + 1] - fromY));
        most = Math.max(most, Math.hypot(fromX - x, fromY - y));
      }
    t.true(worst <= 0.6, `off by ${worst}, of which rounding is 0.5`);
    t.true(most > 5, `the lens bends pixels by ${most} at most`);
  }
});

test("without distortion the frame stays as it is", async (t) => {
  for await (const frame of undistorted(showing(width, height), { ...lens, distortion: [0, 0, 0, 0] }).frames(new AbortController().signal))
    t.deepEqual(frame.rgb, ramp(width, height));
});

test("frames of another aspect, and intrinsics that cannot be, are refused", async (t) => {
  const frames = undistorted(showing(width, 100), lens).frames(new AbortController().signal);
  await t.throwsAsync(async () => { for await (const _ of frames); }, { code: "E_FRAME_SIZE" });
  t.throws(() => undistorted(showing(width, height), { ...lens, fx: 0 }), { code: "E_CONFIG" });
  t.throws(() => undistorted(showing(width, height), { ...lens, distortion: [0.1] }), { code: "E_CONFIG" });
});

test("torn frames and other formats are passed on as they came, for the stream to refuse, and the next frame is undistorted", async (t) => {
  const given = [new Uint8Array(100).fill(9), new Uint8Array(width * height * 4).fill(9), ramp(width, height)];
  const camera: Camera = {
    name: "test",
    live: false,
    async *frames() {
      for (const [sequence, rgb] of given.entries()) yield { camera: "test", sequence, captureTimeNs: nowNs(), width, height, rgb };
    },
  };
  const seen: Uint8Array[] = [];
  for await (const { rgb } of undistorted(camera, lens).frames(new AbortController().signal)) seen.push(rgb);
  t.deepEqual(seen.slice(0, 2), given.slice(0, 2));
  t.is(seen[2]?.length, given[2]?.length);
  t.notDeepEqual(seen[2], given[2]);
});

test("OpenCV leaves the process's handlers alone", async (t) => {
  const before = process.listenerCount("unhandledRejection") + process.listenerCount("uncaughtException");
  for await (const frame of undistorted(showing(width, height), lens).frames(new AbortController().signal)) t.truthy(frame);
  t.is(process.listenerCount("unhandledRejection") + process.listenerCount("uncaughtException"), before);
});
