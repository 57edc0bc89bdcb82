/** Where the camera is and how it sees: world x to the right, y up, z along the street, in metres. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** Cosine and sine of the yaw; positive yaw looks to the right. */
  readonly cos: number;
  readonly sin: number;
  /** Pixels. */
  readonly focal: number;
  /** Pixels: the column straight ahead. */
  readonly centreX: number;
  /** Pixels: the row of the horizon. Pitch moves it, as a shifted lens would, so verticals stay vertical. */
  readonly horizonY: number;
}

/** Where an object stands and which way it faces; its own x is to its right, y up, z forward. */
export interface Pose {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly cos: number;
  readonly sin: number;
}

/** `heading` in radians from the street's direction, positive to the right. */
export const poseAt = (x: number, y: number, z: number, heading = 0): Pose => ({ x, y, z, cos: Math.cos(heading), sin: Math.sin(heading) });

export const worldPose: Pose = { x: 0, y: 0, z: 0, cos: 1, sin: 0 };

/** Towards the sun, a unit vector. */
export interface Sun {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** Nothing nearer than this is drawn, metres. */
export const nearPlane = 0.35;
