import { create } from "@bufbuild/protobuf";
import { type ConditionName, conditionName, conditionNumber } from "./events.js";
import { type Status as StatusMessage, StatusSchema } from "./messages/nightshift_pb.js";
import type { Percentiles } from "./metrics.js";

/** How one camera's stream fares. */
export interface CameraStatus {
  readonly camera: string;
  readonly framesIn: number;
  readonly answered: number;
  readonly dropped: number;
  readonly lost: number;
  readonly fps: number;
  /** Capture to answer. */
  readonly latencyMs: Percentiles;
}

/** What the control socket answers to `status`. */
export interface Status {
  readonly generation: number;
  readonly vocabulary: readonly string[];
  readonly condition: ConditionName;
  /** The state of the adaptation loop, in one word. */
  readonly adaptation: string;
  readonly paused: boolean;
  readonly framesRemembered: number;
  readonly uptimeSeconds: number;
  readonly cameras: readonly CameraStatus[];
}

/** All cameras together: frames are summed, latencies are those of the slowest. */
export function overAll(cameras: readonly CameraStatus[]): Omit<CameraStatus, "camera"> {
  const sum = (of: (camera: CameraStatus) => number): number => cameras.reduce((total, camera) => total + of(camera), 0);
  const most = (of: keyof Percentiles): number => Math.max(0, ...cameras.map(({ latencyMs }) => latencyMs[of]));
  return {
    framesIn: sum(({ framesIn }) => framesIn),
    answered: sum(({ answered }) => answered),
    dropped: sum(({ dropped }) => dropped),
    lost: sum(({ lost }) => lost),
    fps: sum(({ fps }) => fps),
    latencyMs: { p50: most("p50"), p95: most("p95"), p99: most("p99") },
  };
}

export function statusMessage(status: Status): StatusMessage {
  return create(StatusSchema, {
    ...status,
    vocabulary: [...status.vocabulary],
    condition: conditionNumber(status.condition),
    cameras: status.cameras.map(({ latencyMs, framesIn, answered, dropped, lost, ...rest }) => ({
      ...rest,
      framesIn: BigInt(framesIn),
      answered: BigInt(answered),
      dropped: BigInt(dropped),
      lost: BigInt(Math.max(0, lost)),
      latencyP50Ms: latencyMs.p50,
      latencyP95Ms: latencyMs.p95,
      latencyP99Ms: latencyMs.p99,
    })),
  });
}

export function statusOf(message: StatusMessage): Status {
  const { generation, vocabulary, adaptation, paused, framesRemembered, uptimeSeconds } = message;
  return {
    generation,
    vocabulary,
    condition: conditionName(message.condition),
    adaptation,
    paused,
    framesRemembered,
    uptimeSeconds,
    cameras: message.cameras.map((each) => ({
      camera: each.camera,
      framesIn: Number(each.framesIn),
      answered: Number(each.answered),
      dropped: Number(each.dropped),
      lost: Number(each.lost),
      fps: each.fps,
      latencyMs: { p50: each.latencyP50Ms, p95: each.latencyP95Ms, p99: each.latencyP99Ms },
    })),
  };
}
