import { create } from "@bufbuild/protobuf";
import { type ConditionName, conditionName, conditionNumber } from "./events.js";
import { type Budget as BudgetMessage, type Status as StatusMessage, StatusSchema } from "./messages/nightshift_pb.js";
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
  /** Whether it was lost and is not back: no frames come from it. */
  readonly isLost: boolean;
}

/** Why learning rests: the machine is hotter, or takes more power, than it may. */
export type RestsFor = "temperature" | "power";

/** What learning may take of the machine, what it takes, and what holds it to that. */
export interface BudgetStatus {
  /** Of time, above 0 to 1. */
  readonly share: number;
  /** Of the processor. */
  readonly threads: number;
  readonly niceness: number;
  readonly memoryMb: number;
  readonly mostCelsius?: number;
  readonly mostWatts?: number;
  /** The trainer's memory; left out while it does not learn. */
  readonly usedMb?: number;
  /** The machine's, where it measures them. */
  readonly celsius?: number;
  readonly watts?: number;
  /** Left out where it does not rest. */
  readonly restsFor?: RestsFor;
  /** What of this machine holds the trainer, and what does not, with the reason, in words. */
  readonly holds: readonly string[];
  readonly lacks: readonly string[];
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
  /** Left out by versions that did not tell it. */
  readonly budget?: BudgetStatus;
}

/** All cameras together: frames are summed, latencies are those of the slowest. */
export function overAll(cameras: readonly CameraStatus[]): Omit<CameraStatus, "camera" | "isLost"> {
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

export function statusMessage({ budget, ...status }: Status): StatusMessage {
  return create(StatusSchema, {
    ...status,
    ...(budget && { budget: { ...budget, holds: [...budget.holds], lacks: [...budget.lacks] } }),
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
  const { generation, vocabulary, adaptation, paused, framesRemembered, uptimeSeconds, budget } = message;
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
      isLost: each.isLost,
    })),
    ...(budget && { budget: budgetOf(budget) }),
  };
}

function budgetOf({ $typeName: _, $unknown: __, restsFor, ...budget }: BudgetMessage): BudgetStatus {
  const { mostCelsius, mostWatts, usedMb, celsius, watts } = budget;
  const told = Object.entries({ mostCelsius, mostWatts, usedMb, celsius, watts }).filter(([, value]) => value !== undefined);
  const { share, threads, niceness, memoryMb, holds, lacks } = budget;
  return { share, threads, niceness, memoryMb, ...Object.fromEntries(told), ...((restsFor === "temperature" || restsFor === "power") && { restsFor }), holds, lacks };
}
