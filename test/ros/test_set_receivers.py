"""Receiver processes and a set of cameras: images that wait for a partner lie in the ring, which does not run full."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from helpers.set_rig import SetRig

pytest.importorskip("rclpy", reason="ROS is not here")

from helpers.ros_probe import RosProbe, wait_until
from helpers.worker_fakes import image_bytes
from sensor_msgs.msg import Image

from trt_perception.errors import DropReason
from trt_perception.ros.quality_of_service import image_profile, pack_profile
from trt_perception.ros.receiver_plan import Subscription
from trt_perception.ros.receivers import Receivers
from trt_perception.settings.camera_settings import CameraSettings, Reliability

COUNT = 60
PERIOD_S = 0.01
SETTINGS = {name: CameraSettings(name=name, reliability=Reliability.RELIABLE) for name in ("front", "front_ir")}


@pytest.mark.parametrize("policy", ["drop", "latest"])
@pytest.mark.parametrize("sending", ["front", "front_ir"], ids=["partner_silent", "first_silent"])
def test_a_silent_camera_fills_no_ring_and_pairs_come_once_it_is_back(
    probe: RosProbe, tmp_path: Path, sending: str, policy: str
) -> None:
    publishers = {name: probe.advertise(Image, f"/{name}/image_raw", wait=False) for name in SETTINGS}
    profile = {
        name: Subscription(topic=f"/{name}/image_raw", qos=pack_profile(image_profile(settings)))
        for name, settings in SETTINGS.items()
    }
    warnings: list[str] = []
    with SetRig(tmp_path, policy=policy, deadline_ms=200.0, settings=SETTINGS) as rig:
        receivers = Receivers(rig.channels, count=2, name="rig", namespace="/", warn=warnings.append)
        receivers.open()
        try:
            receivers.subscribe(profile)
            for publisher in publishers.values():
                wait_until(lambda publisher=publisher: publisher.get_subscription_count() > 0, what="a receiver")
            time.sleep(0.3)  # until the receivers know of us, too
            for _ in range(COUNT):
                publishers[sending].publish(image_bytes(time.time_ns()))
                time.sleep(PERIOD_S)
            alone = rig.settled()
            stamp_ns = time.time_ns()
            for publisher in publishers.values():
                publisher.publish(image_bytes(stamp_ns))
            wait_until(lambda: (stamp_ns, stamp_ns) in rig.processor.sets, what="the pair")
            rig.settled()
        finally:
            receivers.close()
    assert alone[sending].received > COUNT / 2
    assert alone[sending].dropped == {DropReason.UNPAIRED: alone[sending].received}
    assert warnings == []
    for publisher in publishers.values():
        probe.node.destroy_publisher(publisher)
