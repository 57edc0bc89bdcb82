"""Prints one JSON line for each message of a Nightshift stream.

Usage: python3 subscriber.py [ADDRESS [TOPIC [COUNT [FOLDER]]]]   (masks are saved as bytes in FOLDER, if given)
Needs pyzmq, protobuf, and the schema's code on PYTHONPATH: `make python` puts it into build.
"""

import json
import sys
import zlib
from pathlib import Path

import zmq
from google.protobuf.json_format import MessageToDict

import nightshift_pb2 as nightshift


def pixels(plane):
    """The height * width bytes of a plane."""
    data = zlib.decompress(plane.data) if plane.encoding == nightshift.ENCODING_ZLIB else plane.data
    assert len(data) == plane.width * plane.height
    return data


def describe(topic, body, folder):
    if topic == "events":
        event = nightshift.Event.FromString(body)
        return {"kind": nightshift.EventKind.Name(event.kind), "text": event.text, "details": json.loads(event.details_json)}
    if topic.startswith("boxes/"):
        message = nightshift.Boxes.FromString(body)
        about = {"boxes": [MessageToDict(box) for box in message.boxes]}
    elif topic.startswith("depth/"):
        message = nightshift.Depth.FromString(body)
        about = {"width": message.width, "height": message.height, "nearestMetres": min(memoryview(message.centimetres).cast("H")) / 100}
    else:
        message = nightshift.Mask.FromString(body)
        mask = pixels(message.categories)
        about = {"width": message.categories.width, "height": message.categories.height, "crc32": zlib.crc32(mask)}
        if folder:
            Path(folder, f"{message.header.camera}-{message.header.sequence}.mask").write_bytes(mask)
    header = message.header
    return {"camera": header.camera, "sequence": header.sequence, "generation": header.generation, "valid": header.valid, **about}


def main(address="tcp://127.0.0.1:5590", topic="", count="0", folder=None):
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.setsockopt_string(zmq.SUBSCRIBE, topic)
    socket.connect(address)
    left = int(count) or -1
    while left != 0:
        name, body = socket.recv().split(b"\0", 1)
        print(json.dumps({"topic": name.decode(), **describe(name.decode(), body, folder)}), flush=True)
        left -= 1


if __name__ == "__main__":
    main(*sys.argv[1:])
