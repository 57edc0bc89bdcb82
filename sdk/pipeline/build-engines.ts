import { readBundle, type ReducedPrecision, vocabularyOf } from "../bundle/index.js";
import { deployedModel } from "../engine/deployed.js";
import { vocabularyFeeds } from "../engine/feeds.js";
import { checkGolden } from "../engine/golden.js";
import type { FrameSize } from "../engine/model.js";
import { NightshiftError } from "../errors.js";
import type { Session } from "../engine/session.js";
import { sessionName } from "../engine/sessions.js";
import type { EngineKey } from "../engine/tensorrt/key.js";
import { type BuildWatch, type TensorRtOptions, TensorRtRuntime } from "../engine/tensorrt/runtime.js";
import { textWidthOf } from "../network/architecture.js";
import { inputNames, paddedVocabularySize, type VocabularySize } from "../network/contract.js";

export interface BuildEnginesOptions extends TensorRtOptions {
  /** Folder of the bundle. */
  readonly bundle: string;
  /** Sizes of the cameras' frames. */
  readonly frames: readonly FrameSize[];
  /** Room for names; what the bundle's own vocabulary needs unless told otherwise. */
  readonly names?: VocabularySize;
  /** What the bundle must be in; as it is unless told otherwise. */
  readonly precision?: "float32" | ReducedPrecision;
  /** Builds also where the cache has the engine. */
  readonly rebuild?: boolean;
}

export interface BuiltEngines {
  readonly tensorRt: string;
  readonly gpu: string;
  readonly engines: readonly {
    readonly path: string;
    readonly reused: boolean;
    /** That its build took, once. */
    readonly seconds: number;
    readonly bytes: number;
    /** On the device besides the weights. */
    readonly deviceBytes: number;
    readonly key: EngineKey;
  }[];
}

const howToMake: Readonly<Record<"float32" | ReducedPrecision, string>> = {
  float32: "take the bundle that it was made from",
  int8: "`nightshift calibrate --for tensorrt` makes one in int8",
  float16: "`nightshift calibrate --precision fp16` makes one in float16",
};

/**
 * Builds the engines that a bundle needs on this machine, or finds them built: one for the golden frame, which every engine must answer as the trainer did
 * before it serves, and one for each size of frames. What TensorRT made of the layers is written beside each. Throws `E_BUNDLE_*`, `E_CALIBRATION`, `E_NATIVE`,
 * `E_TENSORRT_MISSING`, `E_TENSORRT_VERSION`, `E_GPU`, `E_TENSORRT`, `E_CONFIG`, `E_CANCELLED`, `E_GOLDEN`, `E_DISK`.
 */
export async function buildEngines({ bundle: directory, frames, names, precision, rebuild = false, ...options }: BuildEnginesOptions, watch: BuildWatch): Promise<BuiltEngines> {
  const bundle = await readBundle(directory, { verify: "model" });
  const { network, golden, manifest } = bundle;
  if (bundle.quantisation?.precision === "int8" && bundle.quantisation.form !== "symmetric")
    throw new NightshiftError("E_CALIBRATION", { expected: "a bundle in float or float16, or in int8 as TensorRT takes it", received: `int8 for ONNX Runtime in ${directory}`, remedy: "Calibrate with --for tensorrt." });
  if (precision !== undefined && precision !== (manifest.precision ?? "float32"))
    throw new NightshiftError("E_CALIBRATION", { expected: `a bundle in ${precision}`, received: `${manifest.precision ?? "float32"} in ${directory}`, remedy: `What a precision costs is judged when the bundle is made: ${howToMake[precision]}.` });
  const runtime = TensorRtRuntime.open(options, watch);
  const own = paddedVocabularySize(manifest.vocabulary.length);
  const [, goldenHeight = 0, goldenWidth = 0] = golden.frame.shape;
  const words = vocabularyOf(bundle.embeddings(), manifest.vocabulary);
  const checked = async (session: Session): Promise<void> =>
    checkGolden(golden, await session.run({ [inputNames.frame]: golden.frame, ...vocabularyFeeds(words, textWidthOf(network)) }), network, manifest.vocabulary, `generation ${manifest.generation} in ${directory}`);
  const all = [
    { width: goldenWidth, height: goldenHeight, room: own, check: checked },
    ...frames.map((frame) => ({ ...frame, room: names ?? own, check: () => Promise.resolve() })),
  ];
  const engines = [];
  for (const { width, height, room, check } of all) {
    const model = await deployedModel(bundle, { frame: { width, height }, names: room, target: runtime.target, halves: runtime.halves });
    const name = sessionName(`${manifest.name}-${manifest.generation}`, room, { width, height });
    const { path, name: kept, reused, record, plan } = await runtime.engineFor(model, name, rebuild);
    const session = await runtime.start(plan);
    try {
      await check(session);
      await runtime.cache.keepLayers(kept, session.inspect());
      engines.push({ path, reused, seconds: record.seconds, bytes: record.bytes, deviceBytes: session.deviceBytes, key: record.key });
    } finally {
      await session.close();
    }
  }
  return { tensorRt: runtime.version, gpu: runtime.device.name, engines };
}
