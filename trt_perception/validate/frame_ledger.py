"""Accounts for every frame of the bags: processed, or skipped for a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from trt_perception.errors import BagError
from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.run_header import RunHeader


@dataclass(frozen=True, kw_only=True)
class CameraLedger:
    """What became of the frames of one camera of one bag.

    Args:
        bag: Name of the bag.
        camera: Name of the camera.
        topic: Its image topic.
        frames: Messages of the topic, as the bag counts them.
        processed: Frames with a result.
        skipped: The others, by reason.
        with_truth: Processed frames with truth.
        truth_without_frame: True images for which the bag has no frame.
    """

    bag: str
    camera: str
    topic: str
    frames: int
    processed: int
    skipped: Mapping[str, int]
    with_truth: int
    truth_without_frame: int


@dataclass(frozen=True, kw_only=True)
class LedgerMetrics:
    """The sums over all cameras, and each camera."""

    frames: int
    processed: int
    skipped: Mapping[str, int]
    cameras: tuple[CameraLedger, ...]


@dataclass(kw_only=True)
class _Account:
    processed: int = 0
    with_truth: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


class FrameLedger:
    """Counts records, and closes only where the sums are those of the bags.

    Args:
        header: The run, with its bags.
    """

    def __init__(self, header: RunHeader) -> None:
        self._header = header
        self._accounts = {(bag.name, camera): _Account() for bag in header.bags for camera in bag.cameras}

    def add(self, record: FrameRecord) -> None:
        """Count one frame, and those that were processed with it.

        Raises:
            BagError: It is of a bag or camera that the run does not have.
        """
        account = self._account(record.bag, record.camera)
        if record.skipped is not None:
            account.skipped[record.skipped.value] += 1
            return
        for partner in record.partners:
            if not partner.again:
                self._account(record.bag, partner.camera).processed += 1
        account.processed += 1
        account.with_truth += record.truth is not None or bool(record.confusion)

    def _account(self, bag: str, camera: str) -> _Account:
        account = self._accounts.get((bag, camera))
        if account is None:
            raise BagError(bag, f"a frame of camera {camera} is in the results, which the run has not")
        return account

    def close(self) -> LedgerMetrics:
        """The sums.

        Raises:
            BagError: Frames in the bag are not frames processed plus frames skipped.
        """
        cameras = []
        for bag in self._header.bags:
            for name, camera in sorted(bag.cameras.items()):
                account = self._accounts[bag.name, name]
                done = account.processed + account.skipped.total()
                if done != camera.frames:
                    raise BagError(
                        bag.name,
                        f"{camera.topic}: the bag counts {camera.frames} frames, {done} were read ({account.processed} "
                        f"processed, {account.skipped.total()} skipped)",
                        "the bag is damaged, or changed while it was read; copy it again, then run with --overwrite",
                    )
                cameras.append(
                    CameraLedger(
                        bag=bag.name,
                        camera=name,
                        topic=camera.topic,
                        frames=camera.frames,
                        processed=account.processed,
                        skipped=dict(sorted(account.skipped.items())),
                        with_truth=account.with_truth,
                        truth_without_frame=camera.truth_without_frame,
                    )
                )
        skipped = sum((Counter(camera.skipped) for camera in cameras), Counter[str]())
        return LedgerMetrics(
            frames=sum(camera.frames for camera in cameras),
            processed=sum(camera.processed for camera in cameras),
            skipped=dict(sorted(skipped.items())),
            cameras=tuple(cameras),
        )
