"""One camera of the soak: sends images at its rate, and plays faults, one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from bench.soak.answers import Answers
from bench.soak.episode import Episode
from bench.soak.fault import Fault
from bench.soak.picture import Answer, Picture, PictureMaker
from bench.soak.soak_options import SoakOptions
from bench.soak.status_watch import CameraState, StatusWatch

MATCH_S = 10.0
PICTURES = 4
ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class CameraPlan:
    """How one camera is wired.

    Args:
        name: Its name.
        compressed: Whether it sends JPEG.
        reliable: Whether the node subscribes reliably.
    """

    name: str
    compressed: bool
    reliable: bool

    @property
    def topic(self) -> str:
        """Where its images go."""
        return f"/{self.name}/image_raw" + ("/compressed" if self.compressed else "")


@dataclass(frozen=True)
class Sent:
    """One message that was handed to the middleware.

    Args:
        stamp_ns: Its stamp; None where it cannot be read.
        expected: What is to be found; None where it is not to be answered.
    """

    stamp_ns: int | None
    expected: Answer | None


class SoakCamera(threading.Thread):
    """Sends from `start` to the end of `options.seconds`; a camera starts once.

    Args:
        plan: Its wiring.
        options: The soak.
        context: ROS.
        answers: What comes back.
        watch: Diagnostics.
        maker: Makes its pictures.
        faults: What is played, in this order.
        random: Decides the rest.
        node_pid: Process of the node.

    Attributes:
        sent: Its ledger.
        foreign: Stamps that another process sent to its topic.
        unnoticed: Stamps of bad frames that no diagnostics told of, None where they cannot be read: the account shows
            whether they were received at all.
        unheard: Messages that no subscriber could get, because the fault was just that.
        episodes: The faults that were played.
        error: What ended the thread before its time.
    """

    def __init__(
        self,
        plan: CameraPlan,
        options: SoakOptions,
        *,
        context: Any,
        answers: Answers,
        watch: StatusWatch,
        maker: PictureMaker,
        faults: Iterator[Fault],
        random: Random,
        node_pid: int,
    ) -> None:
        super().__init__(name=f"soak {plan.name}", daemon=True)
        self.plan = plan
        self.options = options
        self.answers = answers
        self.watch = watch
        self.maker = maker
        self.random = random
        self.node_pid = node_pid
        self.sent: list[Sent] = []
        self.foreign: set[int] = set()
        self.unheard = 0
        self.unnoticed: list[int | None] = []
        self.episodes: list[Episode] = []
        self.error: BaseException | None = None
        self.offset_ns = 0
        self.pictures: Sequence[Picture] = [
            maker.noise(options.width, options.height, seed=self.random.getrandbits(32)) for _ in range(PICTURES)
        ]
        self._faults = faults
        self._node = rclpy.create_node(
            f"{plan.name}_driver", context=context, enable_rosout=False, start_parameter_services=False
        )
        self._due_s = 0.0
        self._index = 0
        self.publisher: Any = None

    def run(self) -> None:
        """Send, and play faults."""
        try:
            self._run()
        except BaseException as error:
            self.error = error

    def _run(self) -> None:
        self.open_publisher()
        began = self._due_s = time.monotonic()
        end = began + self.options.seconds
        self.until_answered(MATCH_S)
        while time.monotonic() < end:
            fault = next(self._faults)
            # The counters before, then a moment that diagnostics cannot be waiting for.
            before = self.fresh_state()
            self.send_for(self.random.uniform(0.0, 1.0))
            at_s = time.monotonic() - began
            times = fault.play(self, before)
            self.offset_ns = 0
            self.episodes.append(Episode.of(fault, self.plan.name, at_s, times))
            self.send_for(self.random.uniform(0.0, self.options.longest_gap_s))
        self.send_for(1.0)
        self.close_publisher()
        self._node.destroy_node()

    def open_publisher(self, *, reliable: bool = True, wait: bool = True) -> Any:
        """Another publisher; the first one becomes the camera's."""
        reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
        kind = CompressedImage if self.plan.compressed else Image
        publisher = self._node.create_publisher(kind, self.plan.topic, QoSProfile(depth=5, reliability=reliability))
        end = time.monotonic() + MATCH_S
        while wait and publisher.get_subscription_count() == 0:
            if time.monotonic() > end:
                raise TimeoutError(f"nobody subscribed to {self.plan.topic} for {MATCH_S} s")
            time.sleep(0.01)
        if wait:
            time.sleep(0.2)  # until the subscriber knows of us, too
        if self.publisher is None:
            self.publisher = publisher
        return publisher

    def close_publisher(self, publisher: Any = None) -> None:
        """Destroy one; the camera's own where none is given."""
        self._node.destroy_publisher(publisher or self.publisher)
        if publisher is None:
            self.publisher = None

    def fresh_state(self) -> CameraState:
        """The counters, good frames being sent until they come."""
        since_s = time.monotonic()
        state = self.until(lambda state: True, since_s=since_s, timeout_s=5.0)
        if state is None:
            raise TimeoutError(f"no diagnostics of {self.plan.name} for 5 s")
        return state

    def now_ns(self) -> int:
        """The camera's clock, which faults may have set."""
        return time.time_ns() + self.offset_ns

    def tick(self) -> None:
        """Wait for the camera's next frame. One that was held up does not catch up."""
        period_s = 1.0 / self.options.hz
        self._due_s = max(self._due_s + period_s, time.monotonic())
        time.sleep(max(0.0, self._due_s - time.monotonic()))

    def send(self, picture: Picture, stamp_ns: int, *, publisher: Any = None) -> None:
        """One message, now."""
        self.sent.append(Sent(stamp_ns if picture.is_readable else None, picture.expected))
        (publisher or self.publisher).publish(picture.at(stamp_ns))

    def send_good(self) -> int:
        """The next good frame, at its time; its stamp."""
        self.tick()
        self._index += 1
        stamp_ns = self.now_ns()
        self.send(self.pictures[self._index % PICTURES], stamp_ns)
        return stamp_ns

    def until_noticed(
        self, send: Callable[[], Iterable[int | None]], holds: Callable[[CameraState], bool], *, within_s: float
    ) -> float | None:
        """Send bad frames until they stand on diagnostics; seconds from the first of them. None: three times not.

        A best-effort message may be lost, and a newer one may replace it: then the same is tried again.

        Args:
            send: Sends bad frames; gives their stamps.
            holds: What is to stand on diagnostics.
            within_s: Longest wait each time.
        """
        for _ in range(ATTEMPTS):
            began = time.monotonic()
            stamps = list(send())
            state = self.until(holds, since_s=began, timeout_s=within_s)
            if state is not None:
                return state.came_s - began
            self.unnoticed.extend(stamps)
        return None

    def send_unheard(self) -> None:
        """A frame that no subscriber gets, at its time."""
        self.tick()
        self.unheard += 1
        self.publisher.publish(self.pictures[0].at(self.now_ns()))

    def add_foreign(self, stamps: Iterable[int]) -> None:
        """What another process sent to the camera's topic; what is to be found in it is not known."""
        self.foreign.update(stamps)

    def send_for(self, seconds: float) -> None:
        """Good frames for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.send_good()

    def until(
        self,
        holds: Callable[[CameraState], bool],
        *,
        since_s: float,
        timeout_s: float,
        name: str = "",
        doing: Callable[[], object] | None = None,
    ) -> CameraState | None:
        """The first status for which `holds`; None: it did not come. Meanwhile `doing` once a frame, or good frames.

        Args:
            holds: What is waited for.
            since_s: Older statuses do not count.
            timeout_s: Longest wait from `since_s` on.
            name: Whose status. Default: this camera's.
            doing: What is done instead of sending a good frame.
        """
        while True:
            left = since_s + timeout_s - time.monotonic()
            wait_s = min(max(left, 0.0), max(0.0, self._due_s + 1.0 / self.options.hz - time.monotonic()))
            state = self.watch.wait_for(name or self.plan.name, holds, since_s=since_s, timeout_s=wait_s)
            if state is not None or left <= 0:
                return state
            (doing or self.send_good)()

    def until_answered(self, timeout_s: float) -> float | None:
        """Seconds until one of the frames sent from now on is answered; None: none is."""
        began, start = time.monotonic(), self.answers.count
        stamps: set[int] = set()
        while time.monotonic() < began + timeout_s:
            stamps.add(self.send_good())
            came_s = self.answers.wait_for(stamps, start, 1.0 / self.options.hz)
            if came_s is not None:
                return came_s - began
        return None
