"""A network camera: GStreamer's RTSP server with a moving test picture, 64x48 pixels at 25 frames a second in H.264, as `rtsp://127.0.0.1:PORT/stream`. Says PORT once it listens; 0 takes any free one."""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

Gst.init(None)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=64,height=48,framerate=25/1"
    " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! rtph264pay name=pay0 config-interval=1 )"
)
# One picture for whoever connects, as of one camera.
factory.set_shared(True)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
server.get_mount_points().add_factory("/stream", factory)
if server.attach(None) == 0:
    sys.exit(f"port {sys.argv[1]} cannot be listened on")
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
