import { type Attributes, type HrTime, ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";
import type { Perception } from "../engine/perception.js";
import { nowNs } from "../frame.js";
import type { ConditionName } from "../stream/events.js";
import { version } from "../version.js";

/**
 * A frame's way as an OpenTelemetry trace, given to whatever SDK the program has registered: a span `frame` from capture until everybody has the answer, and in it `queue`
 * (capture until the engine takes it), `inference` and `publish`. Where no SDK is registered, or it does not sample the frame, nothing is made.
 */
export class Traces {
  readonly #tracer = trace.getTracer("nightshift", version());

  /** Call it before an answer is published, and what it returns afterwards. */
  answered({ camera, sequence, captureTimeNs, generation, valid, timings }: Perception, condition: ConditionName): () => void {
    const about: Attributes = { "nightshift.camera": camera, "nightshift.sequence": sequence, "nightshift.generation": generation, "nightshift.condition": condition, "nightshift.valid": valid };
    const frame = this.#tracer.startSpan("frame", { kind: SpanKind.CONSUMER, root: true, startTime: hrTime(captureTimeNs), attributes: about });
    if (!frame.isRecording()) return () => undefined;
    const inFrame = trace.setSpan(ROOT_CONTEXT, frame);
    const part = (name: string, fromNs: bigint) => this.#tracer.startSpan(name, { startTime: hrTime(fromNs), attributes: about }, inFrame);
    const takenNs = captureTimeNs + nanoseconds(timings.queueMs);
    part("queue", captureTimeNs).end(hrTime(takenNs));
    part("inference", takenNs).end(hrTime(takenNs + nanoseconds(timings.inferenceMs)));
    const publish = part("publish", nowNs());
    return () => {
      const now = hrTime(nowNs());
      publish.end(now);
      frame.end(now);
    };
  }
}

const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms * 1e6));

/** Seconds and nanoseconds since the Unix epoch. */
const hrTime = (ns: bigint): HrTime => [Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n)];
