"""Brings a Nightshift stream into ROS 2: masks as sensor_msgs/Image, boxes as vision_msgs/Detection2DArray, events as std_msgs/String.

Usage: python3 ros2_bridge.py [ADDRESS] [--key FILE --server FILE] [--ros-args ...]

    /nightshift/CAMERA/mask         sensor_msgs/Image, mono8: positions in the vocabulary, 255 for no name, as large as the network's input
    /nightshift/CAMERA/detections   vision_msgs/Detection2DArray (vision_msgs 4, since Humble): boxes in camera pixels, names as class_id
    /nightshift/CAMERA/vocabulary   std_msgs/String: the names as a JSON list; kept for whoever comes later
    /nightshift/events              std_msgs/String: JSON of kind, text and details

Of a camera's name ROS takes no hyphens, and none that begins with a digit, as a network camera's address does: 10-0-0-7 is camera_10_0_0_7.
Stamps are capture times; frame_id is the camera's name. An answer that must not be relied on is not passed on. Images do not go the other way: let Nightshift
read the camera itself (V4L2, RTSP), so that they are copied once.
Needs pyzmq, protobuf, ROS 2 with vision_msgs, and the schema's code on PYTHONPATH: `make python` puts it into build.
"""

import argparse
import array
import json
import zlib

import zmq
import zmq.auth

import nightshift_pb2 as nightshift


def pixels(plane):
    """The height * width bytes of a plane."""
    data = zlib.decompress(plane.data) if plane.encoding == nightshift.ENCODING_ZLIB else plane.data
    assert len(data) == plane.width * plane.height
    return data


def token(camera):
    """The camera's name as part of a topic of ROS."""
    name = camera.replace("-", "_")
    return f"camera_{name}" if name[:1].isdigit() else name


def kind(event):
    """The name of its kind; of one that came to Nightshift after this code was made, the number."""
    return nightshift.EventKind.Name(event.kind) if event.kind in nightshift.EventKind.values() else str(event.kind)


def stamp(header, answer):
    """Fills a std_msgs/Header."""
    header.stamp.sec, header.stamp.nanosec = divmod(answer.capture_time_ns, 1_000_000_000)
    header.frame_id = answer.camera


def image(mask, msg):
    """A sensor_msgs/Image of a mask. `msg` holds the classes of messages."""
    image = msg.Image()
    stamp(image.header, mask.header)
    image.width, image.height = mask.categories.width, mask.categories.height
    image.encoding = "mono8"
    image.is_bigendian = 0
    image.step = image.width
    # Of this type rclpy takes the bytes as they are; of others it looks at each.
    image.data = array.array("B", pixels(mask.categories))
    return image


def detections(boxes, msg):
    """A vision_msgs/Detection2DArray of boxes."""
    found = msg.Detection2DArray()
    stamp(found.header, boxes.header)
    for box in boxes.boxes:
        detection = msg.Detection2D()
        stamp(detection.header, boxes.header)
        detection.bbox.center.position.x = (box.x1 + box.x2) / 2
        detection.bbox.center.position.y = (box.y1 + box.y2) / 2
        detection.bbox.size_x, detection.bbox.size_y = box.x2 - box.x1, box.y2 - box.y1
        result = msg.ObjectHypothesisWithPose()
        result.hypothesis.class_id, result.hypothesis.score = box.name, box.score
        detection.results = [result]
        found.detections.append(detection)
    return found


class Bridge:
    """Publishes each message of a stream as ROS has it; `publisher(type, topic, latched)` makes a publisher."""

    def __init__(self, publisher, msg):
        self.msg = msg
        self._make = publisher
        self._publishers = {}
        self._vocabularies = {}

    def take(self, topic, body):
        if topic == "events":
            event = nightshift.Event.FromString(body)
            about = {"kind": kind(event), "text": event.text, "details": json.loads(event.details_json)}
            self._publish("events", self.msg.String(data=json.dumps(about)))
        elif topic.startswith("mask/"):
            self._answer(nightshift.Mask.FromString(body), "mask", image)
        elif topic.startswith("boxes/"):
            self._answer(nightshift.Boxes.FromString(body), "detections", detections)

    def _answer(self, answer, topic, convert):
        header = answer.header
        camera = token(header.camera)
        names = list(header.vocabulary)
        if self._vocabularies.get(camera) != names:
            self._vocabularies[camera] = names
            self._publish(f"{camera}/vocabulary", self.msg.String(data=json.dumps(names)), latched=True)
        if header.valid:
            self._publish(f"{camera}/{topic}", convert(answer, self.msg))

    def _publish(self, topic, message, latched=False):
        if topic not in self._publishers:
            self._publishers[topic] = self._make(type(message), f"/nightshift/{topic}", latched)
        self._publishers[topic].publish(message)


def main():
    # Only here, so that what converts can be used and tested without ROS.
    import rclpy
    from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image
    from std_msgs.msg import String
    from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

    parser = argparse.ArgumentParser()
    parser.add_argument("address", nargs="?", default="tcp://127.0.0.1:5590")
    parser.add_argument("--key")
    parser.add_argument("--server")
    asked, _ = parser.parse_known_args()
    if (asked.key is None) != (asked.server is None):
        parser.error("--key and --server go together")
    socket = zmq.Context.instance().socket(zmq.SUB)
    # Seconds: who only listens never learns by itself that the vehicle lost its power. The system asks, and the socket connects anew where nobody answers.
    for option, value in ((zmq.TCP_KEEPALIVE, 1), (zmq.TCP_KEEPALIVE_IDLE, 5), (zmq.TCP_KEEPALIVE_INTVL, 2), (zmq.TCP_KEEPALIVE_CNT, 3)):
        socket.setsockopt(option, value)
    if asked.key:
        socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(asked.key)
        socket.curve_serverkey, _ = zmq.auth.load_certificate(asked.server)
    for topic in ("mask/", "boxes/", "events"):
        socket.setsockopt_string(zmq.SUBSCRIBE, topic)
    socket.connect(asked.address)

    rclpy.init()
    node = rclpy.create_node("nightshift_bridge")

    def publisher(kind, topic, latched):
        # Whoever reads slowly gets the newest.
        durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        reliability = ReliabilityPolicy.RELIABLE if latched else ReliabilityPolicy.BEST_EFFORT
        return node.create_publisher(kind, topic, QoSProfile(depth=1 if latched else 5, durability=durability, reliability=reliability))

    class msg:
        pass

    for kind in (Image, String, Detection2D, Detection2DArray, ObjectHypothesisWithPose):
        setattr(msg, kind.__name__, kind)
    bridge = Bridge(publisher, msg)
    try:
        while rclpy.ok():
            if socket.poll(200):
                topic, body = socket.recv().split(b"\0", 1)
                bridge.take(topic.decode(), body)
    except KeyboardInterrupt:
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
