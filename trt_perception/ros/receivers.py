"""Starts the receiver processes, hands their messages to the cameras, and starts a new one for each that fails."""

from __future__ import annotations

import contextlib
import gc
import selectors
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trt_perception.errors import DropReason, MissingError
from trt_perception.ingest.ring_reader import Register, RingReader
from trt_perception.ingest.ring_writer import SLOTS
from trt_perception.ros.camera_channel import CameraChannel
from trt_perception.ros.receiver_plan import Subscription
from trt_perception.ros.receiver_process import ReceiverProcess
from trt_perception.settings.camera_settings import CameraSettings, Transport

START_S = 30.0
"""Longest until a new receiver gives its first sign of life."""
HANG_S = 5.0
"""Silence after which a receiver hangs: it says five times a second that it lives."""
BACKOFF_S = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Wait before a new receiver is started, by how many have failed in a row."""
STEADY_S = 10.0
"""A receiver that lived so long did not fail in a row."""
COLLECT_NS = 1_000_000_000
"""Time between two searches for cycles of garbage that hold slots."""
POLL_S = 0.1
LAST_S = 0.2
"""Time for a process that closed its socket to end with its own exit code."""
END_S = 2.0
"""Time for a process to tell its senders that it goes."""


@dataclass
class _Place:
    """One receiver, whichever process it is at the time."""

    name: str
    cameras: list[CameraSettings]
    process: ReceiverProcess | None = None
    failures: int = 0
    restarts: int = 0
    start_ns: int = 0  # of the next process


class Receivers:
    """Opened by configure, given subscriptions by activate, closed by cleanup.

    One thread of its own waits for all of them and calls the channels; the caller's thread only sends orders.

    Args:
        channels: The cameras, by name.
        warn: Takes one line about what no camera can be blamed for.
        count: How many processes.
        name: The ROS node's name; receivers are called after it.
        namespace: The ROS node's namespace.
        register: As for RingReader.
    """

    def __init__(
        self,
        channels: Mapping[str, CameraChannel],
        *,
        count: int,
        name: str,
        namespace: str,
        warn: Callable[[str], object],
        register: Register = lambda address, nbytes: lambda: None,
    ) -> None:
        self._channels = channels
        self._warn = warn
        self._namespace = namespace
        self._register = register
        settings = [channel.settings for channel in channels.values()]
        self._places = [
            _Place(f"{name}_receiver_{index}", cameras) for index, cameras in enumerate(_share_out(settings, count))
        ]
        self._wanted: Mapping[str, Subscription] = {}
        self._old: list[ReceiverProcess] = []  # gone, with messages that are still in use
        self._looked_ns = 0
        self._collected_ns = 0
        self._lock = threading.RLock()  # of places, subscriptions and selector
        self._selector = selectors.DefaultSelector()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receivers", daemon=True)

    @property
    def states(self) -> dict[str, str]:
        """Process and cameras in words, by receiver."""
        with self._lock:
            return {
                place.name: f"pid {place.process.pid if place.process else 'none'}, restarted {place.restarts} times: "
                + ", ".join(camera.name for camera in place.cameras)
                for place in self._places
            }

    @property
    def pids(self) -> tuple[int, ...]:
        """Ids of the processes that run."""
        with self._lock:
            return tuple(place.process.pid for place in self._places if place.process is not None)

    def open(self, timeout_s: float = START_S) -> None:
        """Start them all and wait until each has said that it lives.

        Raises:
            MissingError: One ended, or did not in time; none is left running.
        """
        with self._lock:
            for place in self._places:
                self._start(place)
        self._thread.start()
        end = time.monotonic() + timeout_s
        while not all(place.process is not None and place.process.alive_ns for place in self._places):
            failed = [place.name for place in self._places if place.failures]
            if failed or time.monotonic() > end:
                self.close()
                raise MissingError(
                    f"receiver {', '.join(failed)} ended while it started"
                    if failed
                    else f"a receiver process gave no sign of life in {timeout_s:g} s",
                    "see its lines above; `trt-perception doctor` checks ROS, `ingest: {receivers: 0}` does without",
                )
            time.sleep(0.01)

    def subscribe(self, cameras: Mapping[str, Subscription]) -> None:
        """Receive these cameras, and no others."""
        with self._lock:
            self._wanted = dict(cameras)
            for place in self._places:
                if place.process is not None:
                    place.process.subscribe(self._wanted)

    def close(self) -> None:
        """End all processes and the thread. Harmless when called twice."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._lock:
            ending = [place.process for place in self._places if place.process is not None]
            for place in self._places:
                place.process = None
            self._selector.close()
        for process in ending:
            process.ask_to_end()
        for process in ending:
            process.end(END_S)
            self._old.append(process)
        self._sweep_old()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                for key, _ in self._selector.select(POLL_S):
                    self._serve(*key.data)
                self._look_after()
            except Exception as error:  # whatever it is, the other cameras must not stay blind
                self._warn("".join(traceback.format_exception(error)).rstrip())
                self._stopping.wait(POLL_S)

    def _serve(self, place: _Place, process: ReceiverProcess, reader: RingReader | None, camera: str) -> None:
        if place.process is not process:
            return  # it was replaced while its last events were served
        if reader is None:
            try:
                for packet in process.packets():
                    self._note_drop(packet)
            except EOFError:
                self._replace(place, process)
        else:
            self._deliver(reader, self._channels[camera])
            if reader.is_ended:
                self._replace(place, process)

    def _deliver(self, reader: RingReader, channel: CameraChannel) -> None:
        # Nothing here may keep a message beyond its turn: its slot would be missing in the ring.
        messages = reader.take()
        messages.reverse()
        while messages:
            message = messages.pop()
            channel.receive(message.data, message.token.received_ns)
            del message

    def _note_drop(self, packet: Mapping[str, Any]) -> None:
        reason = DropReason(packet["reason"])
        self._channels[packet["camera"]].note_dropped(reason, packet["stamp_ns"], packet["problem"])
        now_ns = time.monotonic_ns()
        if reason is DropReason.NO_ROOM and now_ns > self._collected_ns + COLLECT_NS:
            # An exception that somebody keeps may hold the frames of its stack in a cycle.
            self._collected_ns = now_ns
            gc.collect()

    def _look_after(self) -> None:
        now_ns = time.monotonic_ns()
        if now_ns - self._looked_ns < POLL_S * 1e9:
            return
        self._looked_ns = now_ns
        self._sweep_old()
        with self._lock:
            for place in self._places:
                process = place.process
                if process is None:
                    if now_ns >= place.start_ns:
                        place.start_ns = now_ns + int(BACKOFF_S[-1] * 1e9)  # should it not even start
                        self._start(place)
                    continue
                limit_s = HANG_S if process.alive_ns else START_S
                if now_ns - (process.alive_ns or process.started_ns) > limit_s * 1e9:
                    self._replace(place, process, f"gave no sign of life for {limit_s:g} s and")
                for reader in process.readers.values():
                    reader.sweep()

    def _sweep_old(self) -> None:
        self._old = [process for process in self._old if not process.close_rings()]

    def _start(self, place: _Place) -> None:
        slots = {
            camera.name: SLOTS + self._channels[camera.name].most_held_by_sets  # frames that wait for their partners
            for camera in place.cameras
        }
        process = ReceiverProcess(place.name, self._namespace, place.cameras, slots=slots, register=self._register)
        process.subscribe(self._wanted)
        place.process = process
        self._selector.register(process, selectors.EVENT_READ, (place, process, None, ""))
        for camera, reader in process.readers.items():
            self._selector.register(reader, selectors.EVENT_READ, (place, process, reader, camera))

    def _replace(self, place: _Place, process: ReceiverProcess, why: str = "") -> None:
        """The process is gone, or is to go: take what it left, and let a new one follow."""
        with self._lock:
            place.process = None
            self._selector.unregister(process)
            with contextlib.suppress(EOFError):
                for packet in process.packets():
                    self._note_drop(packet)
            how = process.end(0.0 if why else LAST_S)
            for camera, reader in process.readers.items():
                self._selector.unregister(reader)
                self._deliver(reader, self._channels[camera])
            self._old.append(process)
            now_ns = time.monotonic_ns()
            lived_s = (now_ns - process.started_ns) / 1e9
            place.failures = place.failures + 1 if lived_s < STEADY_S else 1
            place.restarts += 1
            wait_s = BACKOFF_S[min(place.failures, len(BACKOFF_S)) - 1]
            place.start_ns = now_ns + int(wait_s * 1e9)
        text = " ".join(filter(None, (f"receiver {place.name} (pid {process.pid})", why, how)))
        for settings in place.cameras:
            self._channels[settings.name].note_receiver_lost(f"{text}; a new one starts in {wait_s:g} s")


def _share_out(cameras: Sequence[CameraSettings], count: int) -> Iterator[list[CameraSettings]]:
    """The cameras of each receiver: as many raw ones each as can be, then the compressed ones, which cost little."""
    by_cost = sorted(cameras, key=lambda camera: camera.transport is Transport.COMPRESSED)
    for index in range(count):
        yield by_cost[index::count]
