import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoopCounters } from "../adaptation/loop.js";
import { contentOf, GenerationStore, readManifest } from "../bundle/index.js";
import { NightshiftError } from "../errors.js";
import { Nightshift } from "../nightshift.js";
import { RecordingCamera } from "../recording/camera.js";
import { type Digest, RunDigest } from "../recording/digest.js";
import { type AdaptationOptions, defaultBundle } from "./options.js";

export interface ReplayOptions {
  readonly bundle?: string;
  /** A CLIP text tower, as `run` has it. */
  readonly textEncoder?: string;
  readonly camera?: string;
  readonly frames?: number;
  readonly threads?: number;
  readonly seed?: number;
  /** Steps of a training. */
  readonly steps?: number;
  /** As recorded by default. */
  readonly adaptation?: boolean;
  readonly onProgress?: (line: string) => void;
}

/** What a replay came to. */
export interface Replayed {
  readonly frames: number;
  /** Frames a second; the only figure that differs from replay to replay. */
  readonly fps: number;
  readonly triggers: number;
  readonly verdicts: LoopCounters["verdicts"];
  /** That are there at the end. */
  readonly generations: readonly { readonly generation: number; readonly condition: string; readonly sha256: string }[];
  readonly sha256: Digest & { readonly generations: string };
  /** Whether the bundle is the one that was recorded with. */
  readonly sameBundle: boolean;
  /** How the recording ends, where it is not whole. */
  readonly torn: string | null;
}

/** Feeds a recording back through the whole pipeline, from an empty state. Throws as `Nightshift.start` does, and `E_RECORDING` where there is nothing to replay. */
export async function replay(file: string, { bundle, textEncoder, camera, frames, threads, seed, steps, adaptation, onProgress }: ReplayOptions): Promise<Replayed> {
  const { about } = await RecordingCamera.open(file, { camera, times: "replay", onError: () => undefined });
  const learns = adaptation ?? about.adaptation !== false;
  const learning = learns && ((about.adaptation || {}) as AdaptationOptions);
  // Limits of temperature and power are for the machine that recorded.
  const { mostCelsius: _, mostWatts: __, ...training } = (learning && learning.training) || {};
  const state = await mkdtemp(join(tmpdir(), "nightshift-replay-"));
  const digest = new RunDigest();
  let nightshift: Nightshift | undefined;
  let torn: NightshiftError | undefined;
  try {
    nightshift = await Nightshift.start({
      source: file,
      lockstep: true,
      state,
      bundle: bundle ?? about.bundle ?? defaultBundle,
      vocabulary: about.vocabulary,
      seed: seed ?? about.seed,
      adaptation: learning && { ...learning, training: { ...training, ...(steps !== undefined && { steps }) } },
      textEncoder,
      camera,
      frames,
      threads,
      publish: false,
      control: false,
      // What is wrong with the file is told when it is read, which is ahead of the answers by as much as it likes.
      onEvent: (event) => event.kind === "camera_error" || digest.event(event, nightshift?.status.cameras[0]?.answered ?? 0),
      onError: (error) => {
        if (error instanceof NightshiftError && error.code === "E_RECORDING") torn = error;
      },
    });
    let answered = 0;
    try {
      for await (const answer of nightshift.answers()) {
        digest.answer(answer, answer.condition);
        answered++;
        onProgress?.(`${answered} frames, ${answer.condition}, generation ${answer.generation}, ${nightshift.status.adaptation}`);
      }
      await nightshift.ended;
      const { triggers, verdicts } = nightshift.learned;
      const generations = await learntIn(state);
      return {
        frames: answered,
        fps: nightshift.fps,
        triggers,
        verdicts,
        generations,
        sha256: { ...digest.end(), generations: createHash("sha256").update(JSON.stringify(generations)).digest("hex") },
        sameBundle: contentOf(await readManifest(nightshift.bundles.delivered)) === about.bundleSha256,
        torn: torn?.message ?? null,
      };
    } finally {
      await nightshift.stop();
    }
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}

async function learntIn(state: string): Promise<Replayed["generations"]> {
  const store = await GenerationStore.open(state);
  const manifests = await Promise.all((await store.list()).map((generation) => readManifest(store.pathOf(generation))));
  return manifests.map((manifest) => ({ generation: manifest.generation, condition: manifest.condition, sha256: contentOf(manifest) }));
}
