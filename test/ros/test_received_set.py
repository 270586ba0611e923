"""How the images of a set end: each once, and the one at fault by name."""

from __future__ import annotations

import pytest

from trt_perception.errors import DropReason, FrameError
from trt_perception.frame import EncodedFrame
from trt_perception.pairing.paired_set import PairedSet
from trt_perception.ros.camera_journal import CameraJournal
from trt_perception.ros.counters import CameraCounters
from trt_perception.ros.fault_log import FaultLog
from trt_perception.ros.frame_passage import FramePassage
from trt_perception.ros.received_image import ReceivedImage
from trt_perception.ros.received_set import ReceivedSet

NAMES = ("front", "ir")


class Rig:
    """A set of two cameras; of the second, its image may stand in."""

    def __init__(self, *, stands_in: bool = False, broken: str = "") -> None:
        self.warnings: list[str] = []
        self.counters = {name: CameraCounters() for name in NAMES}
        self._broken = broken
        images = tuple(
            ReceivedImage(
                7,
                True,
                EncodedFrame(camera=name, stamp_ns=7, frame_id="", format="jpeg", data=b""),
                b"",
                FramePassage(),
                CameraJournal(name, self.counters[name], FaultLog(self.warnings.append), None),
            )
            for name in NAMES
        )
        self.set = ReceivedSet(PairedSet(images, (True, not stands_in)))

    def decode(self) -> None:
        self.set.decode([self._decode] * 2)

    def ends(self) -> dict[str, tuple[int, dict[DropReason, int]]]:
        now = {name: counters.snapshot(10) for name, counters in self.counters.items()}
        return {name: (each.processed, dict(each.dropped)) for name, each in now.items()}

    def _decode(self, image: ReceivedImage, takers: int) -> EncodedFrame:
        assert isinstance(image.content, EncodedFrame)
        assert takers == 2
        if image.content.camera == self._broken:
            raise FrameError(DropReason.CORRUPT_IMAGE, "it ends too early")
        return image.content


@pytest.mark.parametrize("broken", NAMES)
def test_the_image_at_fault_is_named_and_the_other_has_no_partner(broken: str) -> None:
    rig = Rig(broken=broken)
    with pytest.raises(FrameError):
        rig.decode()
    rig.set.drop(DropReason.CORRUPT_IMAGE, "it ends too early")
    assert rig.ends() == {
        name: (0, {DropReason.CORRUPT_IMAGE if name == broken else DropReason.UNPAIRED: 1}) for name in NAMES
    }
    assert rig.warnings == [f"camera {broken}: frame dropped, it ends too early"]


def test_an_image_that_stands_in_has_ended_already_and_is_named_all_the_same() -> None:
    rig = Rig(stands_in=True, broken="ir")
    with pytest.raises(FrameError):
        rig.decode()
    rig.set.drop(DropReason.CORRUPT_IMAGE, "it ends too early")
    assert rig.ends() == {"front": (0, {DropReason.UNPAIRED: 1}), "ir": (0, {})}
    assert rig.warnings == ["camera ir: it ends too early"]


def test_what_is_no_images_fault_ends_all_and_is_told_once() -> None:
    rig = Rig()
    rig.decode()
    rig.set.drop(DropReason.INFERENCE_FAILED, "output boxes has NaN")
    assert rig.ends() == {name: (0, {DropReason.INFERENCE_FAILED: 1}) for name in NAMES}
    assert rig.warnings == ["camera front: frame dropped, output boxes has NaN"]


@pytest.mark.parametrize("stands_in", [False, True], ids=["first_use", "stands_in"])
def test_a_result_counts_once_for_each_image(stands_in: bool) -> None:
    rig = Rig(stands_in=stands_in)
    rig.set.processed(now_ns=9, ros_now_ns=9, started_ns=8)
    assert rig.ends() == {"front": (1, {}), "ir": (0 if stands_in else 1, {})}
