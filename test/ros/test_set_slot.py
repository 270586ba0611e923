"""Where images wait for each other: whoever puts one waits for nobody, and none is forgotten."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import numpy as np
import pytest
from helpers.worker_fakes import wait_until

from trt_perception.encoding import Encoding
from trt_perception.frame import Frame
from trt_perception.pairing.paired_set import UnpairedFrame
from trt_perception.pairing.pairing_options import PairingOptions
from trt_perception.ros.camera_journal import CameraJournal
from trt_perception.ros.counters import CameraCounters
from trt_perception.ros.fault_log import FaultLog
from trt_perception.ros.frame_passage import FramePassage
from trt_perception.ros.received_image import ReceivedImage
from trt_perception.ros.received_set import ReceivedSet
from trt_perception.ros.set_slot import SetSlot

MS = 1_000_000
WAIT_S = 5.0
FRAME = Frame(
    camera="front",
    stamp_ns=0,
    frame_id="",
    width=1,
    height=1,
    encoding=Encoding.MONO8,
    step=1,
    data=np.zeros(1, np.uint8),
)


def image(stamp_ns: int) -> ReceivedImage:
    journal = CameraJournal("front", CameraCounters(), FaultLog(print), None)
    return ReceivedImage(stamp_ns, True, FRAME, b"", FramePassage(received_ns=time.monotonic_ns()), journal)


@dataclass
class Rig:
    """A slot of two sources; the first set is held up where `go_on` is not set."""

    deadline_ms: float = 10_000.0
    go_on: threading.Event = field(default_factory=threading.Event)
    told: list[ReceivedSet] = field(default_factory=list)
    replaced: list[ReceivedSet] = field(default_factory=list)
    unpaired: list[UnpairedFrame[ReceivedImage]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.slot = SetSlot(
            2,
            PairingOptions(tolerance_ms=1.0, deadline_ms=self.deadline_ms),
            on_set=self._tell,
            on_replaced=self.replaced.append,
            on_unpaired=self.unpaired.append,
        )

    def put_pair(self, stamp_ns: int) -> None:
        for source in range(2):
            self.slot.put(source, image(stamp_ns))

    def _tell(self, complete: ReceivedSet) -> None:
        self.told.append(complete)
        assert self.go_on.wait(WAIT_S)


def test_whoever_puts_waits_for_nobody_and_its_images_are_paired_by_who_is_at_it() -> None:
    rig = Rig()
    busy = threading.Thread(target=rig.put_pair, args=(100 * MS,))
    busy.start()
    wait_until(lambda: len(rig.told) == 1)
    other = threading.Thread(target=rig.put_pair, args=(200 * MS,))
    other.start()
    other.join(WAIT_S)
    assert not other.is_alive(), "it waited for the thread that is at the pairer"
    assert len(rig.told) == 1
    rig.go_on.set()
    busy.join(WAIT_S)
    assert [each.stamp_ns for each in rig.told] == [100 * MS, 200 * MS]
    assert rig.replaced == rig.told[:1]
    assert rig.slot.take(0.0) is rig.told[1]


def test_an_image_that_comes_while_the_worker_sleeps_is_given_up_at_its_own_deadline() -> None:
    rig = Rig(deadline_ms=50.0)
    taken = threading.Thread(target=rig.slot.take, args=(WAIT_S,))
    taken.start()
    time.sleep(0.05)  # it sleeps: no deadline is known yet
    put = time.monotonic()
    rig.slot.put(0, image(100 * MS))
    while not rig.unpaired and time.monotonic() < put + WAIT_S:
        taken.join(0.005)
        if not taken.is_alive():  # awake, as a worker that comes again at once
            rig.slot.take(WAIT_S)
    assert [each.frame.stamp_ns for each in rig.unpaired] == [100 * MS]
    assert 0.05 <= time.monotonic() - put < WAIT_S / 2


@pytest.mark.parametrize("is_taken", [False, True], ids=["a_set_waits", "the_set_is_taken"])
def test_clear_gives_back_all_that_waits_once(is_taken: bool) -> None:
    rig = Rig()
    rig.go_on.set()
    rig.put_pair(100 * MS)
    alone = image(200 * MS)
    rig.slot.put(1, alone)
    if is_taken:
        assert rig.slot.take(0.0) is rig.told[0]
    assert rig.slot.clear() == ([] if is_taken else rig.told, [alone])
    assert rig.slot.clear() == ([], [])
    assert rig.slot.take(0.0) is None
