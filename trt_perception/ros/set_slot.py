"""Where the newest complete set waits for its worker, and its frames for each other."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from trt_perception.pairing.frame_pairer import FramePairer
from trt_perception.pairing.paired_set import Outcome, PairedSet, UnpairedFrame
from trt_perception.pairing.pairing_options import PairingOptions
from trt_perception.ros.received_image import ReceivedImage
from trt_perception.ros.received_set import ReceivedSet
from trt_perception.ros.slot import Slot


class SetSlot:
    """Holds one complete set; a newer one takes its place. Any thread puts, one takes.

    `put` never waits, for the reason that `Slot` gives: who finds the pairer in use leaves the frame in the inbox,
    which whoever uses it looks into once more when done.

    Args:
        sources: Number of cameras.
        options: When frames belong together.
        on_set: Told of every set before it waits for the worker.
        on_replaced: Told of a set that a newer one has replaced.
        on_unpaired: Told of every frame that ends without a set.
    """

    def __init__(
        self,
        sources: int,
        options: PairingOptions,
        *,
        on_set: Callable[[ReceivedSet], object],
        on_replaced: Callable[[ReceivedSet], object],
        on_unpaired: Callable[[UnpairedFrame[ReceivedImage]], object],
    ) -> None:
        self._pairer: FramePairer[ReceivedImage] = FramePairer(sources, options, is_live=True)
        self._on_set = on_set
        self._on_replaced = on_replaced
        self._on_unpaired = on_unpaired
        self._inbox: deque[tuple[int, ReceivedImage]] = deque()
        self._in_use = threading.Lock()
        self._complete: Slot[ReceivedSet] = Slot()
        self._deadline_ns: int | None = None
        self._awaited_ns: int | None = None

    def put(self, source: int, image: ReceivedImage) -> None:
        """The next image of a source."""
        self._inbox.append((source, image))
        self._pair()
        if self._deadline_ns != self._awaited_ns:
            self.wake()

    def take(self, timeout_s: float) -> ReceivedSet | None:
        """The newest complete set as soon as there is one; None after the time, after `wake`, or now and then."""
        self._pair()
        self._awaited_ns = deadline_ns = self._deadline_ns
        if deadline_ns is not None:
            timeout_s = min(timeout_s, max(0.0, (deadline_ns - time.monotonic_ns()) / 1e9))
        found = self._complete.take(timeout_s)
        if found is None and deadline_ns is not None:
            self._pair()
        return found

    def wake(self) -> None:
        """Let a waiting `take` return."""
        self._complete.wake()

    def clear(self) -> tuple[list[ReceivedSet], list[ReceivedImage]]:
        """Give back what waits: a complete set, and images without one."""
        with self._in_use:
            images = [image for _, image in self._inbox]
            self._inbox.clear()
            images += [unpaired.frame for unpaired in self._pairer.clear()]
            found = self._complete.take(0.0)
            self._deadline_ns = None
        return [found] if found is not None else [], images

    def _pair(self) -> None:
        while self._in_use.acquire(blocking=False):
            try:
                while self._inbox:
                    source, image = self._inbox.popleft()
                    self._settle(self._pairer.add(source, image, image.passage.received_ns))
                self._settle(self._pairer.expire(time.monotonic_ns()))
                self._deadline_ns = self._pairer.next_deadline_ns
            finally:
                self._in_use.release()
            if not self._inbox:
                return

    def _settle(self, outcomes: Iterable[Outcome[ReceivedImage]]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, PairedSet):
                complete = ReceivedSet(outcome)
                self._on_set(complete)
                replaced = self._complete.put(complete)
                if replaced is not None:
                    self._on_replaced(replaced)
            else:
                self._on_unpaired(outcome)
