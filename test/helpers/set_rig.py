"""A set of cameras with fakes for model and publishers; no ROS."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from helpers.worker_fakes import FakeOutput, FakeProcessor, wait_until
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.pairing.pairing_options import IncompleteSet, PairingOptions
from trt_perception.result import Result
from trt_perception.ros.camera_channel import CameraChannel
from trt_perception.ros.camera_journal import CameraJournal
from trt_perception.ros.counters import CameraCounters, CounterSnapshot
from trt_perception.ros.drop_log import DropLog
from trt_perception.ros.fault_log import FaultLog
from trt_perception.ros.lane import Lane
from trt_perception.ros.set_channel import SetChannel
from trt_perception.settings.camera_settings import CameraSettings


class SetProcessor(FakeProcessor):
    """Keeps the stamps of every set that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.sets: list[tuple[int, ...]] = []

    def process(self, frames: Sequence[Frame | EncodedFrame]) -> Result:
        self.sets.append(tuple(frame.stamp_ns for frame in frames))
        return super().process(frames)


class SetRig:
    """Cameras `front` and `front_ir` as one set, `night`; the one that is named has a pipeline of its own, too."""

    def __init__(
        self,
        tmp_path: Path,
        *,
        policy: str = "drop",
        deadline_ms: float = 60.0,
        single: str = "",
        settings: dict[str, CameraSettings] | None = None,
    ) -> None:
        self.processor = SetProcessor()
        self.output, self.single_output = FakeOutput(), FakeOutput()
        self.warnings: list[str] = []
        self.said: list[str] = []
        self._log = tmp_path / "drops.jsonl"
        self.drop_log = DropLog(self._log)
        fault_log = FaultLog(self.warnings.append)
        names = ("front", "front_ir")
        self.counters = {name: CameraCounters(("night", "own")) for name in names}
        own = Lane(name="own", processor=FakeProcessor(), output=self.single_output)
        self.channels = {
            name: CameraChannel(
                (settings or {}).get(name, CameraSettings(name=name)),
                lanes=[own] if name == single else [],
                journal=CameraJournal(name, self.counters[name], fault_log, self.drop_log),
                ros_now_ns=time.time_ns,
                say=self.said.append,
            )
            for name in names
        }
        self.options = PairingOptions(deadline_ms=deadline_ms, incomplete=IncompleteSet(policy))
        self.set = SetChannel(
            Lane(name="night", processor=self.processor, output=self.output),
            cameras=list(self.channels.values()),
            options=self.options,
            ros_now_ns=time.time_ns,
            say=self.said.append,
        )

    def __enter__(self) -> SetRig:
        self.set.start()
        for channel in self.channels.values():
            channel.start()
        return self

    def __exit__(self, *_: object) -> None:
        for channel in self.channels.values():
            channel.stop()
        self.set.stop()
        self.drop_log.close()

    def snapshot(self, camera: str) -> CounterSnapshot:
        return self.counters[camera].snapshot(time.monotonic_ns())

    def settled(self) -> dict[str, CounterSnapshot]:
        """The counters once every received frame has ended in one of them."""

        def is_settled() -> bool:
            now = [self.snapshot(name) for name in self.channels]
            return all(each.received == each.processed + sum(each.dropped.values()) for each in now)

        wait_until(is_settled)
        return {name: self.snapshot(name) for name in self.channels}

    def drops(self) -> list[tuple[str, int, str]]:
        """Camera, stamp and reason of every drop."""
        self.drop_log.close()
        entries = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [(entry["camera"], entry["stamp_ns"], entry["reason"]) for entry in entries]
