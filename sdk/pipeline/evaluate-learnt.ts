import { existsSync } from "node:fs";
import { join } from "node:path";
import { frameStatistics, likelihoods, type Weather } from "../adaptation/monitor/index.js";
import { BundleText } from "../adaptation/trainer/bundle-text.js";
import { type Bundle, GenerationStore, readBundle, readTrust, type Shelf, shelvedFor, type Trust, type Vocabulary } from "../bundle/index.js";
import type { Engine } from "../engine/engine.js";
import { NightshiftError } from "../errors.js";
import type { Frame } from "../frame.js";
import { answersBoxes } from "../network/architecture.js";
import type { Dataset } from "../training/dataset.js";
import { type Answering, type EvaluateOptions, type Evaluation, evaluationOf, scoreBundle, scoreFrames, scoringEngine } from "../training/evaluate.js";

export interface LearntOptions extends EvaluateOptions {
  /** The delivered bundle's folder. */
  readonly bundle: string;
  /** What a vehicle learnt: a folder of `nightshift run --state`. Without it there is the delivered bundle alone. */
  readonly state?: string;
  /** The folder of another bundle, which is scored on the same frames first: the gain over it is told. */
  readonly over?: string;
  /**
   * Whose weights are scored. `latest`: those in use when the vehicle last ran. A condition: those that serve in it. `auto`: for each frame those for what
   * it looks like by itself, as frames of a dataset need not follow each other.
   */
  readonly condition: "latest" | "auto" | Weather;
  readonly threads: number;
  /** As `BundleText` takes it. */
  readonly textEncoder?: string;
  /** As `NightshiftOptions.trust`; what was learnt must be signed by these, or by the vehicle itself. */
  readonly trust?: readonly string[];
}

export interface LearntEvaluation extends Evaluation {
  readonly condition: LearntOptions["condition"];
  /** How many frames each generation answered; 0 is the delivered one's number. */
  readonly generations: Readonly<Record<string, number>>;
  /** Of an imported model: which of its classes stood for each of the dataset's names; null where none means nearly the same. */
  readonly classes?: Readonly<Record<string, string | null>>;
}

/** Scores what a vehicle learnt. Throws `E_CONFIG` where nothing is kept in `state`, or there is none to have weights for a condition, `E_KEY`, and as `readBundle` and `evaluate`. */
export async function evaluateLearnt(options: LearntOptions, dataset: Dataset): Promise<LearntEvaluation> {
  const { condition, threads, textEncoder, over, intervals, frames, onProgress } = options;
  const kept = await Kept.open(options);
  const always = condition === "auto" ? undefined : await kept.directoryFor(condition);
  const text = new BundleText(kept.delivered, textEncoder);
  const engines = new Engines(threads, kept.trust);
  /** By the frame's number, as there may be a pass for masks and one for boxes. */
  const generations = new Map<number, number>();
  const answering: Answering = {
    setVocabulary: (vocabulary) => engines.setVocabulary(vocabulary),
    infer: async (frame) => {
      const engine = await engines.of(always ?? (await kept.directoryFor(looksLike(frame))));
      const answer = await engine.infer(frame);
      generations.set(frame.sequence, answer.generation);
      return answer;
    },
  };
  try {
    const before = over === undefined ? undefined : await scoreBundle(over, dataset, { frames, onProgress, threads, textEncoder, trust: kept.trust });
    const scored = await scoreFrames(answering, (names) => text.vocabulary(names), dataset, { frames, onProgress, boxes: answersBoxes(kept.delivered.network) });
    const evaluation = evaluationOf(scored, { intervals, before });
    const counts: Record<string, number> = {};
    for (const generation of generations.values()) counts[generation] = (counts[generation] ?? 0) + 1;
    const classes = text.classes([...new Set([...dataset.names, ...dataset.boxNames])]);
    return { ...evaluation, condition, generations: counts, ...(classes && { classes }) };
  } finally {
    await engines.close();
  }
}

/** The delivered bundle, and what was learnt since. */
class Kept {
  private constructor(
    readonly delivered: Bundle,
    private readonly store: GenerationStore | undefined,
    private readonly shelf: Shelf,
    /** Who may have signed either. */
    readonly trust: Trust | undefined,
  ) {}

  static async open({ bundle, state, condition, trust }: LearntOptions): Promise<Kept> {
    if (state === undefined && condition !== "latest" && condition !== "auto")
      throw new NightshiftError("E_CONFIG", {
        expected: `a vehicle's folder, for the weights that serve in ${condition}`,
        received: "none",
        remedy: "Name it with --state, or leave --condition out to score the bundle itself.",
      });
    const makers = trust && (await readTrust(trust));
    const delivered = await readBundle(bundle, { verify: "model", trust: makers });
    if (state === undefined) return new Kept(delivered, undefined, {}, makers);
    if (!existsSync(join(state, "generations")))
      throw new NightshiftError("E_CONFIG", {
        expected: `a folder of generations in ${state}`,
        received: "none",
        remedy: "Name a folder that `nightshift run --state` has kept, or leave --state out to score the bundle itself.",
      });
    const store = GenerationStore.readOnly(state);
    return new Kept(delivered, store, await store.shelf(), makers && [...makers, ...(await store.publicKeys())]);
  }

  async directoryFor(condition: Weather | "latest"): Promise<string> {
    const { store, shelf, delivered } = this;
    const generation = condition === "latest" ? await store?.current() : shelvedFor(shelf, condition)?.generation;
    return store && generation !== undefined ? store.pathOf(generation) : delivered.directory;
  }
}

/** An engine for each bundle that answers, loaded when it is first asked for. */
class Engines {
  readonly #engines = new Map<string, Promise<Engine>>();
  #vocabulary: Vocabulary | undefined;

  constructor(
    private readonly threads: number,
    private readonly trust: Trust | undefined,
  ) {}

  async setVocabulary(vocabulary: Vocabulary): Promise<void> {
    this.#vocabulary = vocabulary;
    for (const engine of this.#engines.values()) await (await engine).setVocabulary(vocabulary);
  }

  of(directory: string): Promise<Engine> {
    const known = this.#engines.get(directory);
    if (known) return known;
    const opened = scoringEngine({ kind: "bundle", directory, trust: this.trust, vocabulary: this.#vocabulary }, this.threads);
    this.#engines.set(directory, opened);
    return opened;
  }

  async close(): Promise<void> {
    // One that could not be loaded has nothing to close, and keeps none of the others open.
    for (const opened of await Promise.allSettled(this.#engines.values())) if (opened.status === "fulfilled") await opened.value.close();
  }
}

/** What one frame looks like by itself. */
function looksLike(frame: Frame): Weather {
  const likely = Object.entries(likelihoods(frameStatistics(frame))) as [Weather, number][];
  return likely.reduce((best, each) => (each[1] > best[1] ? each : best))[0];
}
