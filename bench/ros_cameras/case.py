"""The cases that are measured: how many cameras, in which form, through which pipelines."""

from __future__ import annotations

from dataclasses import dataclass

RATE_HZ = 30
DEMO = "demo_fp16"
OTHER = "size_m_fp16"


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One pipeline of every camera.

    Args:
        pipeline: Its name.
        engine: Its engine, by the name of the file without its ending.
        topic: What is listened to, behind the camera's name.
    """

    pipeline: str
    engine: str
    topic: str


DETECTION = Lane(pipeline="objects", engine=DEMO, topic="detections")
SEGMENTATION = Lane(pipeline="areas", engine=OTHER, topic="areas/segmentation")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One run of the node.

    Args:
        name: What it is called on the command line.
        cameras: How many, each 1080p at RATE_HZ.
        jpeg: Whether they send JPEG instead of bgr8.
        lanes: The pipelines of every camera.
        seconds: How long it is measured unless told otherwise.
        synchronised: Whether all cameras send at the same instant instead of spread over the period.
        gpus: GPUs of the machine that the cameras are spread over.
    """

    name: str
    cameras: int
    jpeg: bool = False
    lanes: tuple[Lane, ...] = (DETECTION,)
    seconds: float = 20.0
    synchronised: bool = False
    gpus: int = 1

    @property
    def names(self) -> list[str]:
        """The cameras."""
        return [f"camera_{index}" for index in range(self.cameras)]

    @property
    def title(self) -> str:
        """The same for people."""
        kind = "JPEG" if self.jpeg else "bgr8"
        pipelines = " + ".join(lane.topic.rpartition("/")[2] for lane in self.lanes)
        title = f"{self.cameras} x {kind}, {pipelines}{', all at one instant' if self.synchronised else ''}"
        return title + (f", on {self.gpus} GPUs" if self.gpus > 1 else "")


CASES = {
    case.name: case
    for case in (
        Case(name="1_raw", cameras=1),
        Case(name="6_raw", cameras=6),
        Case(name="6_jpeg", cameras=6, jpeg=True),
        Case(name="8_two", cameras=8, lanes=(DETECTION, SEGMENTATION)),
        Case(name="16_raw", cameras=16, seconds=60.0),
        Case(name="16_raw_at_once", cameras=16, synchronised=True),
        Case(name="16_raw_two_gpus", cameras=16, gpus=2),
        *(Case(name=f"{count}_raw", cameras=count, seconds=60.0) for count in (14, 12, 10, 8)),
    )
}
STANDARD = ("1_raw", "6_raw", "6_jpeg", "8_two", "16_raw", "16_raw_at_once")
SMALLER = ("14_raw", "12_raw", "10_raw", "8_raw")
"""Tried in this order where sixteen cameras cannot be held, to find the largest number that can."""
