import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { listSupportedBackends } from "onnxruntime-node";
import { NightshiftError } from "../errors.js";

/** The execution providers that ONNX Runtime can really use here: those built in, and those whose library lies beside it. */
export function availableProviders(): readonly string[] {
  return listSupportedBackends()
    .filter(({ name, bundled }) => bundled || existsSync(join(runtimeFolder(), libraryOf(name))))
    .map(({ name }) => name);
}

/** Throws `E_PROVIDER` unless ONNX Runtime has this provider: on its own it would run on the CPU without a word. */
export function checkProvider(provider: string): void {
  const available = availableProviders();
  if (available.includes(provider)) return;
  throw new NightshiftError("E_PROVIDER", {
    expected: `one of ${available.join(", ")}`,
    received: JSON.stringify(provider),
    remedy: "Choose a provider that is available, or install an ONNX Runtime that has this one.",
  });
}

/** Where the package onnxruntime-node has its libraries for this platform. */
export function runtimeFolder(): string {
  const entry = createRequire(import.meta.url).resolve("onnxruntime-node");
  return join(dirname(entry), "..", "bin", "napi-v6", process.platform, process.arch);
}

const libraryOf = (provider: string): string =>
  process.platform === "win32" ? `onnxruntime_providers_${provider}.dll` : `libonnxruntime_providers_${provider}.so`;
