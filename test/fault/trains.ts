/**
 * A program that trains and rests for ages after each piece of it, tells the id of the trainer's process, and goes on until it is killed. Arguments: the bundle's folder, and where
 * the generation would be.
 */
import { defaultTrainingOptions, TrainerProcess } from "../../sdk/adaptation/trainer/index.js";
import { frames, names } from "../adaptation/tiny-bundle.js";

const [bundleDirectory = "", outDirectory = ""] = process.argv.slice(2);
const trainer = new TrainerProcess();
const options = { ...defaultTrainingOptions, learner: "in-memory", niceness: 0, duty: 1e-5 } as const;
const job = { bundleDirectory, outDirectory, generation: 1, condition: "night", vocabulary: names, targets: frames("night", 16), exemplars: [], options } as const;
await trainer.train(job, () => process.send?.(trainer.pid), new AbortController().signal);
