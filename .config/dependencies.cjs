/** The order of folders: each imports only what stands to its left. */
const order = ["sdk/(errors|frame|paths|random|version)[.]ts", "sdk/graph/", "sdk/autodiff/", "sdk/network/", "sdk/bundle/", "sdk/engine/", "sdk/stream/", "sdk/recording/", "sdk/adaptation/", "sdk/training/"];

/**
 * What any folder may import although it stands further right: contracts, and the tools that measure and feed learning (batches, metrics),
 * which themselves see only errors and frames.
 */
const contracts = "^sdk/(stream/camera[.]ts$|training/(dataset[.]ts$|batch/|metrics/))";

const leftToRight = order.slice(0, -1).map((folder, index) => ({
  name: `order: ${folder.replace("[.]ts", "")}`,
  severity: "error",
  comment: "A folder imports only what stands to its left.",
  from: { path: `^${folder}` },
  to: { path: [...order.slice(index + 1).map((later) => `^${later}`), "^sdk/(cli|viewer|pipeline)/", "^sdk/(index|nightshift)[.]ts$", "^(adapters|calibration|samples|test)/"], pathNot: contracts },
}));

module.exports = {
  forbidden: [
    // A cycle that an `import type` closes is gone once compiled: two types may speak of each other.
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } } },
    { name: "no-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true, path: "^[.]", pathNot: "^[.]/dist/|/dist/" } },
    ...leftToRight,
    {
      name: "order: batches and metrics",
      severity: "error",
      from: { path: "^sdk/training/(dataset[.]ts$|batch/|metrics/)" },
      to: { path: "^(sdk|adapters|calibration|samples|test)/", pathNot: ["^sdk/(errors|frame|random)[.]ts$", "^sdk/training/(dataset[.]ts$|batch/|metrics/)"] },
    },
    {
      name: "order: training",
      severity: "error",
      from: { path: "^sdk/training/" },
      to: { path: ["^sdk/(cli|viewer|pipeline)/", "^sdk/(index|nightshift)[.]ts$", "^(adapters|calibration|samples|test)/"] },
    },
    {
      name: "adapters see frame, errors and contracts",
      severity: "error",
      from: { path: "^adapters/" },
      to: { path: "^(sdk|calibration|samples|test)/", pathNot: ["^sdk/(errors|frame|paths)[.]ts$", "^sdk/(stream/camera|training/dataset)[.]ts$"] },
    },
    { name: "nothing imports tests", severity: "error", from: { pathNot: "^test/" }, to: { path: "^test/" } },
    {
      name: "programs do not import development packages",
      severity: "error",
      from: { path: "^(sdk|adapters|calibration)/" },
      to: { dependencyTypes: ["npm-dev"], pathNot: "^node_modules/@types/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(dist|sdk/viewer/page)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { extensions: [".ts", ".js", ".mjs"], exportsFields: ["exports"], conditionNames: ["import", "types", "node", "default"] },
  },
};
