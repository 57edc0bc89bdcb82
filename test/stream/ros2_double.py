"""Stands in for ROS 2 where there is none: the messages that the bridge uses, with the fields of their definitions and no others, and an rclpy that prints what is published.

Usage: python3 ros2_double.py PROGRAM [ARGUMENT ...]
"""

import array
import base64
import json
import re
import runpy
import sys
import types


def message(name, **fields):
    """A class of messages. A field that the definition lacks cannot be set; numbers and texts keep their type, as rclpy asserts."""

    def __init__(self, **values):
        for key, default in fields.items():
            object.__setattr__(self, key, default() if callable(default) else default)
        for key, value in values.items():
            setattr(self, key, value)

    def __setattr__(self, key, value):
        if key not in fields:
            raise AttributeError(f"{name} has no field {key}")
        default = fields[key]() if callable(fields[key]) else fields[key]
        if not isinstance(value, type(default)):
            raise TypeError(f"{name}.{key} is a {type(default).__name__}, not a {type(value).__name__}")
        object.__setattr__(self, key, value)

    return type(name, (), {"__init__": __init__, "__setattr__": __setattr__, "__slots__": tuple(fields)})


Time = message("Time", sec=0, nanosec=0)
Header = message("Header", stamp=Time, frame_id="")
String = message("String", data="")
Image = message("Image", header=Header, height=0, width=0, encoding="", is_bigendian=0, step=0, data=lambda: array.array("B"))
Point2D = message("Point2D", x=0.0, y=0.0)
Pose2D = message("Pose2D", position=Point2D, theta=0.0)
BoundingBox2D = message("BoundingBox2D", center=Pose2D, size_x=0.0, size_y=0.0)
ObjectHypothesis = message("ObjectHypothesis", class_id="", score=0.0)
ObjectHypothesisWithPose = message("ObjectHypothesisWithPose", hypothesis=ObjectHypothesis, pose=object)
Detection2D = message("Detection2D", header=Header, results=list, bbox=BoundingBox2D, id="")
Detection2DArray = message("Detection2DArray", header=Header, detections=list)


def plain(value):
    if isinstance(value, array.array):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [plain(each) for each in value]
    slots = getattr(type(value), "__slots__", None)
    return {key: plain(getattr(value, key)) for key in slots if key != "pose"} if slots else value


class Publisher:
    def __init__(self, topic, qos):
        self.topic, self.qos = topic, qos

    def publish(self, value):
        line = {"topic": self.topic, "type": type(value).__name__, "latched": self.qos["durability"] == "transient local", "message": plain(value)}
        print(json.dumps(line), flush=True)


class Node:
    def create_publisher(self, kind, topic, qos):
        # What rmw_validate_full_topic_name lets through.
        if not re.fullmatch(r"(/[A-Za-z_][A-Za-z0-9_]*)+", topic):
            raise ValueError(f"Invalid topic name: {topic}")
        return Publisher(topic, qos)

    def destroy_node(self):
        pass


def module(name, **members):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(members)


module("rclpy", init=lambda: None, ok=lambda: True, create_node=lambda name: Node(), try_shutdown=lambda: None)
module(
    "rclpy.qos",
    QoSProfile=lambda **settings: settings,
    DurabilityPolicy=types.SimpleNamespace(TRANSIENT_LOCAL="transient local", VOLATILE="volatile"),
    ReliabilityPolicy=types.SimpleNamespace(RELIABLE="reliable", BEST_EFFORT="best effort"),
)
for package in ("sensor_msgs", "std_msgs", "vision_msgs"):
    module(package)
module("sensor_msgs.msg", Image=Image)
module("std_msgs.msg", String=String)
module("vision_msgs.msg", Detection2D=Detection2D, Detection2DArray=Detection2DArray, ObjectHypothesisWithPose=ObjectHypothesisWithPose)

if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
