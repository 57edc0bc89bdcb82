import type { NetworkConfig } from "../../network/contract.js";

/** The default network in everything but size: small enough for plain loops. Its sides are powers of two, whose reciprocals are the same numbers in float32. */
export const smallNetwork: NetworkConfig = {
  width: 64,
  height: 64,
  stem: 8,
  channels: [8, 16, 24, 32],
  depths: [1, 2, 1, 1],
  expansion: 2,
  embedding: 32,
  heads: 2,
  decoderLayers: 1,
  regions: 20,
};
