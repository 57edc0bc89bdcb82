/** A program that ends while its engine works. Argument: `native` for ONNX Runtime from the native module. */
import { NativeOnnxEngine } from "../../sdk/engine/native-onnx/engine.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { initialWeights } from "../../sdk/network/initial.js";
import { tinyNetwork } from "../bundle/contents.js";
import { frameOf, vocabulary } from "./models.js";

// Large enough for runs that take a while.
const network = { ...tinyNetwork, width: 512, height: 512 };
const engine = process.argv[2] === "native" ? new NativeOnnxEngine() : new ThreadEngine();
await engine.load({ kind: "network", network, weights: initialWeights(network, 1), generation: 0, vocabulary: vocabulary() }, [{ width: 640, height: 360 }]);
const frame = frameOf(0, 640, 360);
const answers = Array.from({ length: 50 }, () => engine.infer(frame));
await answers[0];
process.exit(7);
