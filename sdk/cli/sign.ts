import { Command } from "commander";
import { type Io, result, table } from "./io.js";

interface Options {
  readonly key: string;
  readonly json: boolean;
}

export const signCommand = (io: Io): Command =>
  new Command("sign")
    .description("Sign a bundle: its manifest, which states the hash of every file. Verified first; the signature goes beside the manifest.")
    .argument("<bundle>", "default, rendered, or the folder of a bundle")
    .requiredOption("--key <file>", "the secret key (`nightshift keys create --for bundles`)")
    .option("--json", "print JSON alone on stdout", false)
    .action(async (name: string, { key: path, json }: Options) => {
      const { findBundle, publicKeyOf, readBundle, readSigningKey, signBundle } = await import("../bundle/index.js");
      const [bundle, key] = [await readBundle(findBundle(name)), await readSigningKey(path)];
      await signBundle(bundle.directory, key);
      const signedBy = publicKeyOf(key);
      result(io, json, { directory: bundle.directory, signedBy }, table([["directory", bundle.directory], ["signed", `by ${signedBy}`]]));
    });
