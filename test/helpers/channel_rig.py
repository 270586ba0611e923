"""One camera's channel with fakes for model and publishers; no ROS."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from helpers.worker_fakes import FakeOutput, FakeProcessor, wait_until
from trt_perception.errors import DeviceError
from trt_perception.ros.camera_channel import Bridge, CameraChannel
from trt_perception.ros.camera_journal import CameraJournal
from trt_perception.ros.counters import CameraCounters, CounterSnapshot
from trt_perception.ros.drop_log import DropLog
from trt_perception.ros.fault_log import FaultLog
from trt_perception.ros.lane import Lane
from trt_perception.settings.camera_settings import CameraSettings


class Rig:
    """A channel with one or more fake pipelines, its log lines and its drop log."""

    def __init__(
        self,
        tmp_path: Path,
        *processors: FakeProcessor,
        settings: CameraSettings | None = None,
        bridge: Bridge | None = None,
        always_on: bool = False,
        on_lost_device: Callable[[DeviceError], object] = lambda error: None,
    ) -> None:
        self.processors = processors or (FakeProcessor(),)
        self.outputs = [FakeOutput() for _ in self.processors]
        self.warnings: list[str] = []
        self.said: list[str] = []
        self.counters = CameraCounters(f"lane{index}" for index in range(len(self.processors)))
        self.drop_log_path = tmp_path / "drops.jsonl"
        self.drop_log = DropLog(self.drop_log_path)
        self.now_ns: Callable[[], int] = time.time_ns
        self.channel = CameraChannel(
            settings or CameraSettings(name="front"),
            lanes=[
                Lane(name=f"lane{index}", processor=processor, output=output, always_on=always_on)
                for index, (processor, output) in enumerate(zip(self.processors, self.outputs, strict=True))
            ],
            journal=CameraJournal("front", self.counters, FaultLog(self.warnings.append), self.drop_log),
            ros_now_ns=lambda: self.now_ns(),
            bridge=bridge,
            say=self.said.append,
            on_lost_device=on_lost_device,
        )

    def __enter__(self) -> Rig:
        self.channel.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.stop()
        self.drop_log.close()

    def snapshot(self) -> CounterSnapshot:
        return self.counters.snapshot(time.monotonic_ns())

    def settled(self) -> CounterSnapshot:
        """The counters once every received frame has ended in one of them."""

        def is_settled() -> bool:
            now = self.snapshot()
            return now.received == now.processed + sum(now.dropped.values())

        wait_until(is_settled)
        return self.snapshot()

    def send(self, data: bytes) -> CounterSnapshot:
        self.channel.receive(data)
        return self.settled()

    def logged_after(self, data: bytes) -> float:
        """Seconds until a message has led to one more warning; returns once it has ended in a counter."""
        count, began = len(self.warnings), time.monotonic()
        self.channel.receive(data)
        wait_until(lambda: len(self.warnings) > count)
        seconds = time.monotonic() - began
        self.settled()
        return seconds

    def answered_after(self, data: bytes) -> float:
        """Seconds until a message has a result."""
        count, began = self.snapshot().processed, time.monotonic()
        self.channel.receive(data)
        wait_until(lambda: self.snapshot().processed > count)
        return time.monotonic() - began

    def drops(self) -> list[tuple[int | None, str]]:
        self.drop_log.close()
        entries = [json.loads(line) for line in self.drop_log_path.read_text().splitlines()]
        return [(entry["stamp_ns"], entry["reason"]) for entry in entries]
