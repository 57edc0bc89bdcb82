import { trace } from "@opentelemetry/api";
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import test from "ava";
import { type Answer, Nightshift } from "../../sdk/index.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const bundle = await tinyBundle();
test.after.always(() => bundle.remove());

async function stream(traces: boolean): Promise<Answer[]> {
  const nightshift = await Nightshift.start({ bundle: bundle.directory, frames: 4, fps: 0, adaptation: false, publish: false, control: false, traces });
  const answers: Answer[] = [];
  for await (const answer of nightshift.answers()) answers.push(answer);
  await nightshift.stop();
  return answers;
}

const ns = ([seconds, nanoseconds]: readonly [number, number]): bigint => BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);

test.serial("without an SDK frames stream as ever", async (t) => {
  t.is((await stream(true)).length, 4);
});

test.serial("each frame is a trace of its own: queue, inference and publish within it, in the order of time", async (t) => {
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  t.teardown(() => trace.disable());
  await stream(false);
  t.deepEqual(exporter.getFinishedSpans(), [], "nobody asked");
  const answers = await stream(true);
  const spans = exporter.getFinishedSpans();
  const frames = spans.filter(({ name }) => name === "frame");
  t.is(frames.length, answers.length);
  t.is(spans.length, answers.length * 4);
  for (const [at, frame] of frames.entries()) {
    const { camera, sequence, generation, condition, captureTimeNs, timings } = answers[at];
    t.like(frame.attributes, { "nightshift.camera": camera, "nightshift.sequence": sequence, "nightshift.generation": generation, "nightshift.condition": condition });
    t.is(frame.parentSpanContext, undefined);
    t.is(ns(frame.startTime), captureTimeNs);
    const parts = spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === frame.spanContext().spanId);
    t.deepEqual(parts.map(({ name }) => name), ["queue", "inference", "publish"]);
    const [queue, inference, publish] = parts as [ReadableSpan, ReadableSpan, ReadableSpan];
    t.true(parts.every(({ attributes }) => attributes["nightshift.sequence"] === sequence));
    t.is(ns(queue.startTime), captureTimeNs);
    t.is(ns(inference.startTime), ns(queue.endTime));
    t.is(ns(inference.endTime) - ns(inference.startTime), BigInt(Math.round(timings.inferenceMs * 1e6)));
    t.true(ns(publish.startTime) >= ns(inference.startTime) && ns(publish.endTime) === ns(frame.endTime));
  }
  t.is(new Set(frames.map((frame) => frame.spanContext().traceId)).size, answers.length);
});
