/** What the values of the drive's masks mean, in the order of their ids. Road markings are road; a rider and the bicycle are one bicyclist. */
export const driveNames = [
  "sky",
  "building",
  "pole",
  "road",
  "sidewalk",
  "tree",
  "traffic sign",
  "fence",
  "car",
  "pedestrian",
  "bicyclist",
  "truck",
  "bus",
  "grass",
  "traffic light",
] as const;

export type DriveName = (typeof driveNames)[number];

/** The names that the drive's boxes carry. */
export const driveBoxNames = ["car", "pedestrian", "bicyclist", "truck", "bus"] as const satisfies readonly DriveName[];

export type DriveBoxName = (typeof driveBoxNames)[number];

/** The id of a class in a mask. */
export const classId = (name: DriveName): number => driveNames.indexOf(name);

export const classIds = {
  sky: 0,
  building: 1,
  pole: 2,
  road: 3,
  sidewalk: 4,
  tree: 5,
  sign: 6,
  fence: 7,
  car: 8,
  pedestrian: 9,
  bicyclist: 10,
  truck: 11,
  bus: 12,
  grass: 13,
  light: 14,
} as const;
