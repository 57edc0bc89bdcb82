import sharp from "sharp";
import { loadOpenCv } from "../../../adapters/cameras/opencv.js";
import { findBundle, readBundle, vocabularyOf } from "../../bundle/index.js";
import { deployedModel } from "../../engine/deployed.js";
import { vocabularyFeeds } from "../../engine/feeds.js";
import { NativeOnnxRuntime } from "../../engine/native-onnx/runtime.js";
import { OnnxSession } from "../../engine/onnxruntime.js";
import type { Session } from "../../engine/session.js";
import { toRgb } from "../../engine/to-rgb.js";
import { textWidthOf } from "../../network/architecture.js";
import { inputNames, outputNames, paddedVocabularySize } from "../../network/contract.js";
import { median, quantile } from "../../quantile.js";
import type { Bench } from "../benches.js";
import { driveFrames } from "./looped-camera.js";
import { rounded } from "./statistics.js";

/** Of the frames, pixels. */
const [width, height] = [1280, 720];
const defaultCount = 60;

/** A way to do something. */
interface Contender {
  /** Of the whole frame, besides reading it once and writing the answer once. */
  readonly copies: number;
  readonly run: () => Uint8Array | Promise<Uint8Array>;
}

/**
 * What the native module does with frames beside TypeScript and libraries, on one thread, taking turns: every round runs each of them once, another first each time.
 * The greatest difference from the native answer is told, of 255. Inference is that of a bundle, on as many threads as are asked for, of which the mask is compared.
 */
export const bench: Bench = async ({ bundle = "default", threads = 1, count = defaultCount, onProgress }) => {
  const { cv } = await loadOpenCv();
  sharp.concurrency(1);
  const rgb = driveFrames(width, height, 1)[0]?.rgb ?? new Uint8Array(width * height * 3);
  const [nv12, yuyv] = [nv12Of(rgb), yuyvOf(rgb)];
  const bgr = rgb.slice();
  swap(bgr, bgr);
  const out = new Uint8Array(rgb.length);
  const convert = (source: Uint8Array, rows: number, type: number, code: number): Contender => ({
    copies: 2,
    run: () => {
      const [from, to] = [new cv.Mat(rows, width, type), new cv.Mat()];
      from.data.set(source);
      cv.cvtColor(from, to, code);
      out.set(to.data);
      from.delete();
      to.delete();
      return out;
    },
  });
  const inPlace = (convertIt: () => void): Contender => ({
    copies: 0,
    run: () => {
      convertIt();
      return out;
    },
  });
  const [C1, C2, C3] = [Number(cv.CV_8UC1), Number(cv.CV_8UC2), Number(cv.CV_8UC3)];
  const tasks: Readonly<Record<string, Readonly<Record<string, Contender>>>> = {
    nv12: {
      native: inPlace(() => toRgb("nv12", nv12, width, height, out)),
      typescript: inPlace(() => nv12ToRgb(nv12, out)),
      opencv: convert(nv12, height * 1.5, C1, Number(cv.COLOR_YUV2RGB_NV12)),
    },
    yuyv: {
      native: inPlace(() => toRgb("yuyv", yuyv, width, height, out)),
      typescript: inPlace(() => yuyvToRgb(yuyv, out)),
      opencv: convert(yuyv, height, C2, Number(cv.COLOR_YUV2RGB_YUYV)),
    },
    bgr: {
      native: inPlace(() => toRgb("bgr", bgr, width, height, out)),
      typescript: inPlace(() => swap(bgr, out)),
      opencv: convert(bgr, height, C3, Number(cv.COLOR_BGR2RGB)),
      sharp: { copies: 2, run: () => sharp(bgr, { raw: { width, height, channels: 3 } }).recomb([[0, 0, 1], [0, 1, 0], [1, 0, 0]]).raw().toBuffer() },
    },
  };
  const figures: Record<string, unknown> = {};
  for (const [task, contenders] of Object.entries(tasks)) {
    onProgress(task);
    figures[task] = await measure(contenders, count);
  }
  onProgress("inference");
  const inference = await measureInference(bundle, threads, rgb, count);
  return { ...figures, inference, frame: `${width}x${height}`, rounds: count, threads };
};

async function measureInference(name: string, threads: number, rgb: Uint8Array, count: number) {
  const bundle = await readBundle(findBundle(name), { verify: "model" });
  const { vocabulary } = bundle.manifest;
  const model = await deployedModel(bundle, { frame: { width, height }, names: paddedVocabularySize(vocabulary.length) });
  const words = vocabularyFeeds(vocabularyOf(bundle.embeddings(), vocabulary), textWidthOf(bundle.network));
  const sessions = { native: await NativeOnnxRuntime.open({ threads }).open(model), onnxruntimeNode: await OnnxSession.create(model, { threads }) };
  const masks = async (session: Session): Promise<Uint8Array> => {
    const { [outputNames.mask]: mask } = await session.run({ [inputNames.frame]: { dtype: "uint8", shape: [1, height, width, 3], data: rgb }, ...words });
    return mask?.data instanceof Uint8Array ? mask.data : new Uint8Array();
  };
  // Both read the frame where it is.
  const figures = await measure({ native: { copies: 0, run: () => masks(sessions.native) }, onnxruntimeNode: { copies: 0, run: () => masks(sessions.onnxruntimeNode) } }, count);
  for (const session of Object.values(sessions)) await session.close();
  return figures;
}

async function measure(contenders: Readonly<Record<string, Contender>>, count: number) {
  const entries = Object.entries(contenders);
  const times = new Map(entries.map(([name]) => [name, [] as number[]]));
  const answers = new Map<string, Uint8Array>();
  for (const [name, { run }] of entries) for (let warm = 0; warm < 5; warm++) answers.set(name, Uint8Array.from(await run()));
  for (let round = 0; round < count; round++)
    for (let at = 0; at < entries.length; at++) {
      const [name, { run }] = entries[(at + round) % entries.length] ?? ["", { run: () => new Uint8Array() }];
      const start = performance.now();
      await run();
      times.get(name)?.push(performance.now() - start);
    }
  const own = answers.get("native") ?? new Uint8Array();
  return Object.fromEntries(
    entries.map(([name, { copies }]) => {
      const ms = times.get(name) ?? [];
      const answer = answers.get(name) ?? own;
      return [name, { ms: rounded(median(ms)), p10: rounded(quantile(ms, 0.1)), p90: rounded(quantile(ms, 0.9)), copies, greatestDifference: difference(answer, own) }];
    }),
  );
}

function difference(a: Uint8Array, b: Uint8Array): number {
  let most = 0;
  for (let at = 0; at < a.length; at++) most = Math.max(most, Math.abs((a[at] ?? 0) - (b[at] ?? 0)));
  return most;
}

function swap(from: Uint8Array, to: Uint8Array): void {
  for (let at = 0; at < from.length; at += 3) {
    const [first, third] = [from[at], from[at + 2]];
    to[at] = third;
    to[at + 1] = from[at + 1];
    to[at + 2] = first;
  }
}

const clamp = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : value);

function put(out: Uint8Array, at: number, y: number, u: number, v: number): void {
  const luma = 76309 * (y > 16 ? y - 16 : 0) + 32768;
  out[at] = clamp((luma + 104597 * v) >> 16);
  out[at + 1] = clamp((luma - 25675 * u - 53279 * v) >> 16);
  out[at + 2] = clamp((luma + 132201 * u) >> 16);
}

function nv12ToRgb(nv12: Uint8Array, out: Uint8Array): void {
  const chroma = width * height;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x += 2) {
      const at = y * width + x;
      const uv = chroma + (y >> 1) * width + x;
      const [u, v] = [nv12[uv] - 128, nv12[uv + 1] - 128];
      put(out, at * 3, nv12[at], u, v);
      put(out, at * 3 + 3, nv12[at + 1], u, v);
    }
}

function yuyvToRgb(yuyv: Uint8Array, out: Uint8Array): void {
  for (let at = 0; at < yuyv.length; at += 4) {
    const [u, v] = [yuyv[at + 1] - 128, yuyv[at + 3] - 128];
    put(out, (at >> 1) * 3, yuyv[at], u, v);
    put(out, (at >> 1) * 3 + 3, yuyv[at + 2], u, v);
  }
}

const yuv = (r: number, g: number, b: number): [number, number, number] => [16 + 0.257 * r + 0.504 * g + 0.098 * b, 128 - 0.148 * r - 0.291 * g + 0.439 * b, 128 + 0.439 * r - 0.368 * g - 0.071 * b];

function nv12Of(rgb: Uint8Array): Uint8Array {
  const nv12 = new Uint8Array(width * height * 1.5);
  for (let at = 0; at < width * height; at++) {
    const [y, u, v] = yuv(rgb[at * 3], rgb[at * 3 + 1], rgb[at * 3 + 2]);
    nv12[at] = y;
    const [x, row] = [at % width, Math.floor(at / width)];
    if (x % 2 === 0 && row % 2 === 0) nv12.set([u, v], width * height + (row >> 1) * width + x);
  }
  return nv12;
}

function yuyvOf(rgb: Uint8Array): Uint8Array {
  const yuyv = new Uint8Array(width * height * 2);
  for (let at = 0; at < width * height; at += 2) {
    const [y, u, v] = yuv(rgb[at * 3], rgb[at * 3 + 1], rgb[at * 3 + 2]);
    const [second] = yuv(rgb[at * 3 + 3], rgb[at * 3 + 4], rgb[at * 3 + 5]);
    yuyv.set([y, u, second, v], at * 2);
  }
  return yuyv;
}
