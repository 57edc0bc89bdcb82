import { create, type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { BoxesSchema, DepthSchema, EventSchema, MaskSchema, WeatherSchema } from "../stream/messages/nightshift_pb.js";
import { CompressedImageSchema, ImageAnnotationsSchema } from "./messages/foxglove_pb.js";

/** Everything that is recorded: one entry a channel of each camera, `KIND/CAMERA`, as with topics of ZeroMQ; `events` is one for all. */
export const channels = {
  /** Frames as they were answered. */
  image: { schema: CompressedImageSchema, perCamera: true },
  /** Masks in colours, to be looked at. */
  "mask-image": { schema: CompressedImageSchema, perCamera: true },
  /** Depths in grey, near ones bright, to be looked at; this and `depth` of bundles that tell them. */
  "depth-image": { schema: CompressedImageSchema, perCamera: true },
  /** Boxes, to be drawn over `image`. */
  annotations: { schema: ImageAnnotationsSchema, perCamera: true },
  /** The same as numbers, as they are published. */
  mask: { schema: MaskSchema, perCamera: true },
  boxes: { schema: BoxesSchema, perCamera: true },
  depth: { schema: DepthSchema, perCamera: true },
  weather: { schema: WeatherSchema, perCamera: true },
  events: { schema: EventSchema, perCamera: false },
} as const satisfies Readonly<Record<string, { readonly schema: DescMessage; readonly perCamera: boolean }>>;

export type ChannelKind = keyof typeof channels;
export type ChannelMessage<Kind extends ChannelKind> = MessageShape<(typeof channels)[Kind]["schema"]>;

export const channelName = (kind: ChannelKind, camera: string): string => (channels[kind].perCamera ? `${kind}/${camera}` : kind);

/** A schema with everything that it refers to, as MCAP wants those of Protocol Buffers: whoever has the recording needs no other file. */
export function descriptorSet({ file }: DescMessage): Uint8Array {
  const files = new Map<string, FileDescriptorProto>();
  const add = (each: typeof file): void => {
    for (const dependency of each.dependencies) add(dependency);
    files.set(each.name, each.proto);
  };
  add(file);
  return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [...files.values()] }));
}
