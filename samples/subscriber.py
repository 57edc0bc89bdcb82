"""Prints one JSON line for each message of a Nightshift stream.

Usage: python3 subscriber.py [ADDRESS [TOPIC [COUNT [FOLDER]]]] [--key FILE --server FILE]
Masks are saved as bytes in FOLDER, if given. Where the publisher asks for keys: the own pair of `nightshift keys create`, and the server's .pub file.
Needs pyzmq, protobuf, and the schema's code on PYTHONPATH: `make python` puts it into build.
"""

import argparse
import json
import zlib
from pathlib import Path

import zmq
import zmq.auth

import nightshift_pb2 as nightshift


def pixels(plane):
    """The height * width bytes of a plane."""
    data = zlib.decompress(plane.data) if plane.encoding == nightshift.ENCODING_ZLIB else plane.data
    assert len(data) == plane.width * plane.height
    return data


def kind(event):
    """The name of its kind; of one that came to Nightshift after this code was made, the number."""
    return nightshift.EventKind.Name(event.kind) if event.kind in nightshift.EventKind.values() else str(event.kind)


def describe(topic, body, folder):
    if topic == "events":
        event = nightshift.Event.FromString(body)
        return {"kind": kind(event), "text": event.text, "details": json.loads(event.details_json)}
    if topic.startswith("boxes/"):
        message = nightshift.Boxes.FromString(body)
        # Field by field: MessageToDict leaves out what is 0, such as the first label.
        about = {"boxes": [{field.name: getattr(box, field.name) for field in nightshift.Box.DESCRIPTOR.fields} for box in message.boxes]}
    elif topic.startswith("depth/"):
        message = nightshift.Depth.FromString(body)
        about = {"width": message.width, "height": message.height, "nearestMetres": min(memoryview(message.centimetres).cast("H")) / 100}
    elif not topic.startswith("mask/"):
        return {"bytes": len(body)}
    else:
        message = nightshift.Mask.FromString(body)
        mask = pixels(message.categories)
        about = {"width": message.categories.width, "height": message.categories.height, "crc32": zlib.crc32(mask)}
        if folder:
            Path(folder, f"{message.header.camera}-{message.header.sequence}.mask").write_bytes(mask)
    header = message.header
    return {"camera": header.camera, "sequence": header.sequence, "generation": header.generation, "valid": header.valid, **about}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address", nargs="?", default="tcp://127.0.0.1:5590")
    parser.add_argument("topic", nargs="?", default="")
    parser.add_argument("count", nargs="?", type=int, default=0)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--key")
    parser.add_argument("--server")
    asked = parser.parse_args()
    if (asked.key is None) != (asked.server is None):
        parser.error("--key and --server go together")
    socket = zmq.Context.instance().socket(zmq.SUB)
    # Seconds: who only listens never learns by itself that the vehicle lost its power. The system asks, and the socket connects anew where nobody answers.
    for option, value in ((zmq.TCP_KEEPALIVE, 1), (zmq.TCP_KEEPALIVE_IDLE, 5), (zmq.TCP_KEEPALIVE_INTVL, 2), (zmq.TCP_KEEPALIVE_CNT, 3)):
        socket.setsockopt(option, value)
    if asked.key:
        socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(asked.key)
        socket.curve_serverkey, _ = zmq.auth.load_certificate(asked.server)
    socket.setsockopt_string(zmq.SUBSCRIBE, asked.topic)
    socket.connect(asked.address)
    left = asked.count or -1
    while left != 0:
        name, body = socket.recv().split(b"\0", 1)
        print(json.dumps({"topic": name.decode(), **describe(name.decode(), body, asked.folder)}), flush=True)
        left -= 1


if __name__ == "__main__":
    main()
