"""An RTSP server that is not ours (GStreamer's), playing MP4 clips in a loop without encoding.

Argument: JSON {"mounts": {"name": {"clip": "path", "audio": true, "ticks": "pcma", "udp": false}}, "mtu": 1400, "port": 0}.
With `ticks` the sound is not the clip's, but a beep at each whole second, in that codec. With `udp` nothing goes over TCP.
Prints {"port": N} when it listens on 127.0.0.1. Ends when its standard input does.
"""
import json
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtsp, GstRtspServer  # noqa: E402

# Parser, payloader and stream format of each codec. Not byte-stream: parameter sets would go out twice in HEVC.
VIDEO = {"video/x-h264": ("h264parse", "rtph264pay", "avc"), "video/x-h265": ("h265parse", "rtph265pay", "hvc1")}
# Rate, encoder and payloader of each codec for ticks.
TICKS = {
    "pcma": (8000, "alawenc ! rtppcmapay min-ptime=20000000 max-ptime=20000000"),
    "pcmu": (8000, "mulawenc ! rtppcmupay min-ptime=20000000 max-ptime=20000000"),
    "l16": (16000, "rtpL16pay"),
    "opus": (48000, "opusenc ! rtpopuspay"),
}
# Units pushed at each request for data; what is ahead of its time waits in the sink, so this costs few wake-ups.
BATCH = 25
# A new buffer around the same memory.
SHARE = Gst.BufferCopyFlags.FLAGS | Gst.BufferCopyFlags.TIMESTAMPS | Gst.BufferCopyFlags.META | Gst.BufferCopyFlags.MEMORY


class Track:
    """All units of one track of a clip, as buffers that share the memory of the first reading."""

    def __init__(self, caps, buffers, loop_ns):
        self.caps, self.buffers, self.loop_ns = caps, buffers, loop_ns


def read_track(path, pad, chain):
    pipeline = Gst.parse_launch(f"filesrc name=f ! qtdemux name=d d.{pad} ! queue ! {chain} ! appsink name=s sync=false")
    pipeline.get_by_name("f").set_property("location", path)
    sink = pipeline.get_by_name("s")
    pipeline.set_state(Gst.State.PLAYING)
    caps, buffers = None, []
    while True:
        sample = sink.emit("try-pull-sample", 20 * Gst.SECOND)
        if sample is None:
            break
        caps = caps or sample.get_caps()
        buffers.append(sample.get_buffer())
    pipeline.set_state(Gst.State.NULL)
    if not buffers:
        raise SystemExit(f"{path}: no {pad}")
    return caps, buffers


def video_kind(path):
    """`video/x-h264` or `video/x-h265`."""
    for name in VIDEO:
        pipeline = Gst.parse_launch(f"filesrc name=f ! qtdemux ! {name} ! fakesink")
        pipeline.get_by_name("f").set_property("location", path)
        pipeline.set_state(Gst.State.PAUSED)
        result = pipeline.get_state(5 * Gst.SECOND)[0]
        pipeline.set_state(Gst.State.NULL)
        if result == Gst.StateChangeReturn.SUCCESS:
            return name
    raise SystemExit(f"{path}: no H.264 or H.265 video")


def read_clip(path, audio):
    kind = video_kind(path)
    parse, _, form = VIDEO[kind]
    caps, buffers = read_track(path, "video_0", f"{parse} ! {kind},stream-format={form},alignment=au")
    _, numerator, denominator = caps.get_structure(0).get_fraction("framerate")
    loop_ns = round(len(buffers) * denominator * Gst.SECOND / numerator)
    tracks = [Track(caps, buffers, loop_ns)]
    if audio:
        caps, buffers = read_track(path, "audio_0", "aacparse ! audio/mpeg,mpegversion=4,stream-format=raw")
        tracks.append(Track(caps, buffers, loop_ns))
    return kind, tracks


class Loop:
    """Feeds one appsrc with a track, round after round, with times that go on. Its first unit (by dts) is at 0."""

    def __init__(self, source, track):
        self.source, self.track = source, track
        self.place, self.origin = 0, 0
        self.base = min(b.dts if b.dts != Gst.CLOCK_TIME_NONE else b.pts for b in track.buffers)
        source.set_property("caps", track.caps)
        source.connect("need-data", self.push)

    def push(self, source, _length):
        for _ in range(BATCH):
            original = self.track.buffers[self.place]
            # Not copy(): on a boxed mini object that only takes a reference, and the times below would change the original.
            buffer = original.copy_region(SHARE, 0, original.get_size())
            buffer.pts = original.pts - self.base + self.origin
            if original.dts != Gst.CLOCK_TIME_NONE:
                buffer.dts = original.dts - self.base + self.origin
            self.place += 1
            if self.place == len(self.track.buffers):
                self.place, self.origin = 0, self.origin + self.track.loop_ns
            if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                return


class Factory(GstRtspServer.RTSPMediaFactory):
    def __init__(self, kind, tracks, mtu, ticks, udp):
        super().__init__()
        self.tracks = tracks
        _, pay, _ = VIDEO[kind]
        source = "appsrc name={0} format=time is-live=false block=false max-bytes=0 max-time=500000000 max-buffers=0"
        launch = f"{source.format('v')} ! {pay} name=pay0 pt=96 config-interval=-1 mtu={mtu} "
        if len(tracks) > 1:
            launch += f"{source.format('a')} ! rtpmp4gpay name=pay1 pt=97 mtu={mtu}"
        if ticks:
            rate, chain = TICKS[ticks]
            # It makes each beep one buffer (20 ms) too early, which the offset puts right.
            source = f"audiotestsrc wave=ticks freq=1000 sine-periods-per-tick=10 samplesperbuffer={rate // 50}"
            source += " timestamp-offset=20000000"
            launch += f"{source} ! audio/x-raw,rate={rate},channels=1 ! audioconvert ! {chain} name=pay1 pt=97 mtu={mtu}"
        self.set_launch(f"( {launch} )")
        self.set_shared(False)
        if udp:
            self.set_protocols(GstRtsp.RTSPLowerTrans.UDP)
        self.connect("media-configure", self.configure)

    def configure(self, _factory, media):
        element = media.get_element()
        media.loops = [Loop(element.get_by_name(name), track) for name, track in zip("va", self.tracks)]


def main():
    options = json.loads(sys.argv[1])
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(options.get("port", 0)))
    clips = {}
    for name, mount in options["mounts"].items():
        ticks = mount.get("ticks")
        key = (mount["clip"], mount.get("audio", True) and not ticks)
        if key not in clips:
            clips[key] = read_clip(*key)
        factory = Factory(*clips[key], options.get("mtu", 1400), ticks, mount.get("udp", False))
        server.get_mount_points().add_factory(f"/{name}", factory)
    if server.attach(None) == 0:
        raise SystemExit("cannot listen")
    print(json.dumps({"port": server.get_bound_port()}), flush=True)
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_HUP, lambda *_: loop.quit())
    loop.run()


main()
