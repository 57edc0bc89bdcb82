import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { loadOnnxRuntime } from "../../engine/native-onnx/library.js";
import { nativeStatus, type NativeStatus } from "../../engine/native.js";
import { NightshiftError } from "../../errors.js";
import { type Check, type Finding, notNeeded, ok } from "./finding.js";

const triplets: Readonly<Partial<Record<NodeJS.Architecture, string>>> = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };

/** Where TensorRT was said to be, the dynamic linker looks, and NVIDIA's installers put libraries. */
function libraryFolders(): readonly string[] {
  const triplet = triplets[process.arch];
  const named = [process.env["NIGHTSHIFT_TENSORRT"] ?? "", ...(process.env.LD_LIBRARY_PATH ?? "").split(delimiter)].filter((folder) => folder !== "");
  const system = [...(triplet ? [`/usr/lib/${triplet}`, `/usr/lib/${triplet}/nvidia`, `/lib/${triplet}`] : []), "/usr/lib64", "/usr/lib", "/usr/local/lib"];
  return [...named, ...system, "/usr/local/cuda/lib64", "/usr/local/tensorrt/lib", "/opt/tensorrt/lib"].filter((folder) => existsSync(folder));
}

/** Files such as `libnvinfer.so.10`, the longest name, which tells most of the version, of each folder. */
async function librariesNamed(name: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const folder of libraryFolders()) {
    // Who names a file there, or a folder that may not be read, has no libraries in it.
    const files = (await readdir(folder).catch(() => [])).filter((file) => file === `${name}.so` || file.startsWith(`${name}.so.`));
    const [most] = files.sort((a, b) => b.length - a.length);
    if (most) found.push(join(folder, most));
  }
  return found;
}

async function library(what: string, name: string, without: string, remedy: string): Promise<Finding> {
  const [first] = await librariesNamed(name);
  return first ? ok(what, first) : notNeeded(what, `no ${name}.so in ${libraryFolders().join(", ") || "any folder of libraries"}`, without, remedy);
}

const remedies = {
  tensorRt: "Install TensorRT 10 or 11 (on a Jetson it comes with JetPack), or state the folder of its libraries in NIGHTSHIFT_TENSORRT.",
  cuda: "Install NVIDIA's driver, and pass the GPU on where this is a container.",
} as const;

const driverFile = "/proc/driver/nvidia/version";
/** Jetsons have their GPU inside, and their driver with the system. */
const jetsonFile = "/etc/nv_tegra_release";

export const native: Check = () => Promise.resolve(nativeFindings(nativeStatus()));

export const tensorRt: Check = async () => asked(nativeStatus())?.tensorRt ?? byFile(await tensorRtFiles());

export const cuda: Check = async () => asked(nativeStatus())?.cuda ?? byFile([await cudaFiles()]);

/** Rust, built by whoever wants TensorRT, or training on a GPU. */
function nativeFindings({ module }: NativeStatus): readonly Finding[] {
  if ("present" in module) return [ok("native part", module.present), nativeOnnxRuntime()];
  const { received, remedy } = module.missing;
  return [notNeeded("native part", firstLine(received), "engines on TensorRT and the engine native", remedy)];
}

function nativeOnnxRuntime(): Finding {
  const what = "ONNX Runtime from native";
  try {
    const { version, path } = loadOnnxRuntime();
    return ok(what, `${version}, ${path}`);
  } catch (error) {
    if (error instanceof NightshiftError) return notNeeded(what, firstLine(error.received), "the engine native", error.remedy);
    throw error;
  }
}

/** What the libraries themselves say through the native module; undefined where there is none to ask them. */
export function asked({ module, tensorRt: library, devices }: NativeStatus): { readonly tensorRt: readonly Finding[]; readonly cuda: readonly Finding[] } | undefined {
  if ("missing" in module) return undefined;
  const because = ({ missing: { received } }: { readonly missing: NightshiftError }): string => `asked: ${firstLine(received)}`;
  return {
    tensorRt: [
      "present" in library
        ? ok("TensorRT", `asked: ${library.present.version} with its ONNX parser, ${library.present.path}`)
        : notNeeded("TensorRT", because(library), "engines on TensorRT", library.missing.remedy),
    ],
    cuda: [
      "present" in devices
        ? ok("CUDA driver", `asked: CUDA ${devices.present[0]?.cuda ?? "unknown"}; ${devices.present.map(({ name, computeCapability, multiprocessors }) => `${name}, compute capability ${computeCapability}, ${multiprocessors} multiprocessors`).join("; ")}`)
        : notNeeded("CUDA driver", because(devices), "TensorRT and CUDA", devices.missing.remedy),
    ],
  };
}

/** Files can be there and not fit: whoever reads this should know that nobody was asked. */
const byFile = (findings: readonly Finding[]): readonly Finding[] => findings.map((finding) => ({ ...finding, found: `by file, as there is no native part to ask: ${finding.found}` }));

const tensorRtFiles = async (): Promise<readonly Finding[]> => [
  await library("TensorRT", "libnvinfer", "engines on TensorRT", remedies.tensorRt),
  await library("TensorRT's ONNX parser", "libnvonnxparser", "building engines for TensorRT", remedies.tensorRt),
];

async function cudaFiles(): Promise<Finding> {
  const [first] = await librariesNamed("libcuda");
  const told = [driverFile, jetsonFile].find((path) => existsSync(path));
  if (first && told) return ok("CUDA driver", `${first}; ${firstLine(await readFile(told, "utf8"))}`);
  const found = first ? `${first}, but neither ${driverFile} nor ${jetsonFile}` : `no libcuda.so in ${libraryFolders().join(", ") || "any folder of libraries"}`;
  return notNeeded("CUDA driver", found, "TensorRT and CUDA", remedies.cuda);
}

const firstLine = (text: string): string => text.split("\n")[0]?.trim() ?? "";
