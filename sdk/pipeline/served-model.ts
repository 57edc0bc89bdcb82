import { BundleText } from "../adaptation/trainer/bundle-text.js";
import { type Bundle, readBundle, type Trust } from "../bundle/index.js";
import type { SwappableEngine } from "../engine/hot-swap.js";
import { Turns } from "../engine/turns.js";
import { NightshiftError } from "../errors.js";
import { checkVocabulary } from "../network/contract.js";
import { weightsFile } from "../network/text/clip/load.js";

export interface ServedModelOptions {
  /** What is looked for; the bundle's own words by default. */
  readonly names?: readonly string[];
  /** As `BundleText` takes it. */
  readonly textEncoder?: string;
  /** Who must have signed whatever serves. */
  readonly trust?: Trust;
}

interface Generation {
  readonly bundle: Bundle;
  /** Encodes names as this generation's prompts say. */
  readonly text: BundleText;
}

/** What serves: the bundle of the generation in force, and the words it is asked for, which outlive it. */
export class ServedModel {
  #current: Generation;
  #previous: Generation | undefined;
  #names: readonly string[];
  readonly #changes = new Turns();

  private constructor(
    readonly engine: SwappableEngine,
    bundle: Bundle,
    names: readonly string[],
    private readonly textEncoder: string | undefined,
    private readonly trust: Trust | undefined,
  ) {
    this.#current = { bundle, text: new BundleText(bundle, textEncoder) };
    this.#names = names;
  }

  /** Loads the bundle into the engine. Throws as `Engine.load`, `E_TEXT_ENCODER`, and `E_VOCABULARY`. */
  static async load(engine: SwappableEngine, bundle: Bundle, { names = bundle.manifest.vocabulary, textEncoder, trust }: ServedModelOptions = {}): Promise<ServedModel> {
    checkVocabulary(names);
    // It is opened when a word first needs it, which may be at night; that it is there is told now.
    if (textEncoder !== undefined) await weightsFile(textEncoder);
    const served = new ServedModel(engine, bundle, [...names], textEncoder, trust);
    await engine.load({ kind: "bundle", directory: bundle.directory, vocabulary: await served.#current.text.vocabulary(names), trust });
    return served;
  }

  get bundle(): Bundle {
    return this.#current.bundle;
  }

  get generation(): number {
    return this.#current.bundle.manifest.generation;
  }

  get names(): readonly string[] {
    return this.#names;
  }

  /** Answers in other words from the next frame on. Throws `E_VOCABULARY`, and then nothing has changed. */
  setVocabulary(names: readonly string[]): Promise<void> {
    return this.#changes.take(async () => {
      checkVocabulary(names);
      await this.engine.setVocabulary(await this.#current.text.vocabulary(names));
      this.#names = [...names];
    });
  }

  /** Serves the bundle in a directory, with the words in force. Answers with its generation. Throws as `SwappableEngine.swap`. */
  swap(directory: string): Promise<number> {
    return this.#changes.take(async () => {
      const { trust } = this;
      const bundle = await readBundle(directory, { verify: "model", trust });
      const text = new BundleText(bundle, this.textEncoder);
      await this.engine.swap({ kind: "bundle", directory, vocabulary: await text.vocabulary(this.#names), trust });
      this.#previous = this.#current;
      this.#current = { bundle, text };
      return this.generation;
    });
  }

  /** Serves the generation before again, with the words in force. Answers with its generation. Throws `E_ENGINE` where there is none, and as `setVocabulary`, and then what served still does. */
  rollBack(): Promise<number> {
    return this.#changes.take(async () => {
      const previous = this.#previous;
      if (!previous)
        throw new NightshiftError("E_ENGINE", { expected: "a previous generation", received: "none", remedy: "Only a swap can be rolled back, once." });
      const isInWords = this.engine.previous?.vocabulary.join("\n") === this.#names.join("\n");
      await this.engine.rollBack(isInWords ? undefined : await previous.text.vocabulary(this.#names));
      this.#current = previous;
      this.#previous = undefined;
      return this.generation;
    });
  }
}
