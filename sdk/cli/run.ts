import { Command, Option } from "commander";
import { defaultPublisherPort } from "./addresses.js";
import { names, number, port, positive, repeated, textEncoder, trust, wholeNumber } from "./arguments.js";
import { logForms, type RunOptions } from "./configuration.js";
import { type Io, result } from "./io.js";

/** With the options of every command that streams. */
export const streaming = (command: Command): Command =>
  command
    .option("--source <source>", "drive (rendered; day turns to night), a folder of images, a video file, a recording (.mcap), /dev/video0, csi:0 on a Jetson, or rtsp://... (default: drive)")
    .option("--bundle <name or path>", "default, rendered, or the folder of a bundle (default: default)")
    .option("--headless", "without the page")
    .option("--frames <count>", "end after so many frames", wholeNumber(1))
    .option("--loop <count>", "go so often through a folder or a video", wholeNumber(1))
    .option("--fps <rate>", "frames a second; 0 for as fast as they are answered", number(0))
    .option("--seed <number>", "of the rendered drive and of learning", wholeNumber(0))
    .option("--vocabulary <names>", "what to look for, separated by commas; the bundle's own words by default", names)
    .option(...textEncoder)
    .option("--exemplars <folder>", "labelled frames to replay besides the bundle's own")
    .option("--state <folder>", "where generations are kept between runs (default: the user's state folder; temporary for the drive)")
    .option("--camera <name>", "name of the camera in topics")
    .option("--no-adaptation", "watch the weather, but never learn")
    .option("--threads <count>", "threads of inference", wholeNumber(1))
    .addOption(new Option("--engine <which>", "who computes: onnxruntime (the default), native (the same from the native module), or tensorrt on the GPU, for which `nightshift build` builds").choices(["onnxruntime", "native", "tensorrt"]))
    .option("--provider <name>", "execution provider of ONNX Runtime: cpu (the default), cuda or tensorrt; one that is not there is an error")
    .option("--port <port>", `of the publisher; the control socket takes the next (default: ${defaultPublisherPort}; 0: any free ones)`, port)
    .option("--viewer-port <port>", "of the page (default: 8080; 0: any free one)", port)
    .option("--viewer-host <host>", "address the page is served on (default: 127.0.0.1; another takes --token-file)")
    .option("--health-port <port>", "of /metrics (Prometheus), /live and /ready; none unless given (0: any free one)", port)
    .option("--health-host <host>", "address they are served on (default: 127.0.0.1; another takes --token-file)")
    .option("--traces", "give each frame's way to the OpenTelemetry SDK that NODE_OPTIONS registers")
    .option("--token-file <file>", "with the token that page, health and metrics ask for (`nightshift keys create --for page`)")
    .option("--host <address>", "the publisher and the control socket listen on (default: 127.0.0.1; another takes --key and --allowed)")
    .option("--key <file>", "the server's key pair; with --allowed, both sockets ask for keys")
    .option("--allowed <file>", "the keys of who may connect, by role (`nightshift keys allow`); read again when it changes")
    .option(...trust)
    .option("--memory-hours <hours>", "after which remembered frames are forgotten (default: 168)", positive)
    .option("--memory-key <file>", "encrypts remembered frames on the disk (`nightshift keys create --for frames`)")
    .option("--config <file>", "YAML with these options by name, and the camera's intrinsics (sdk/cli/configuration.schema.json); read again on SIGHUP or when it changes")
    .option("--set <key=value>", "one value over the configuration file's, such as intrinsics.fx=910; may be given again", repeated)
    .addOption(new Option("--log <form>", "what is told on stderr: text for people (the default), or json, a line for each event and error, and one a minute of how it stands").choices(logForms))
    .option("--json", "print JSON alone on stdout", false);

export const runCommand = (io: Io): Command =>
  streaming(new Command("run"))
    .description("Stream a camera through the network, publish the answers, and learn when the weather turns.")
    .addHelpText("after", "\nAt the end it prints framesIn, answered, dropped, lost, generations, triggers, verdicts, rolledBack, trainerFailures, fps, latencyMs, miou (percent, before and after), miouOn (what it was measured on, or why it was not); cameras where there are several.")
    .action(async (options: RunOptions) => {
      const { runToEnd } = await import("./run-to-end.js");
      const { summaryLines } = await import("./summary.js");
      const summary = await runToEnd(io, options);
      result(io, options.json, summary, summaryLines(summary));
    });
