/** Attributes of a node as it was written, by name. */
import type { AttributeProto, NodeProto } from "./onnx_pb.js";

const named = (node: NodeProto, name: string): AttributeProto | undefined => node.attribute.find((attribute) => attribute.name === name);

export const float = (node: NodeProto, name: string, absent: number): number => named(node, name)?.f ?? absent;
export const int = (node: NodeProto, name: string, absent: number): number => Number(named(node, name)?.i ?? absent);
/** Empty where there is none. */
export const ints = (node: NodeProto, name: string): number[] => named(node, name)?.ints.map(Number) ?? [];
/** Empty where there is none. */
export const text = (node: NodeProto, name: string): string => new TextDecoder().decode(named(node, name)?.s);
