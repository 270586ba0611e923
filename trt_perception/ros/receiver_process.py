"""One receiver process as the node sees it, from its start to its end."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trt_perception.ingest.ring_ends import make_ring
from trt_perception.ingest.ring_reader import Register, RingReader
from trt_perception.ros.receiver_plan import CameraRing, ReceiverPlan, Subscription, pack, unpack
from trt_perception.settings.camera_settings import CameraSettings, Transport

PACKET_BYTES = 1 << 16


class ReceiverProcess:
    """A process that was started once. A new one has new rings: nothing of an old one can reach it.

    Args:
        name: Name of its ROS node.
        namespace: Namespace of its ROS node.
        cameras: Its cameras.
        slots: Messages that each camera's ring holds, by name.
        register: As for RingReader.

    Attributes:
        readers: Reading end of the ring, by camera.
        started_ns: Steady time of its start.
        alive_ns: Steady time of its last sign of life; 0 before the first.
        cpu_ns: CPU time that it has used, by its own account.
    """

    def __init__(
        self,
        name: str,
        namespace: str,
        cameras: Sequence[CameraSettings],
        *,
        slots: Mapping[str, int],
        register: Register,
    ) -> None:
        self.readers: dict[str, RingReader] = {}
        self.started_ns = time.monotonic_ns()
        self.alive_ns = 0
        self.cpu_ns = 0
        self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setblocking(False)
        rings = []
        for camera in cameras:
            writer_ends, reader_ends = make_ring(f"trt_perception {camera.name}")
            is_compressed = camera.transport is Transport.COMPRESSED
            rings.append(
                CameraRing(name=camera.name, is_compressed=is_compressed, ends=writer_ends, slots=slots[camera.name])
            )
            self.readers[camera.name] = RingReader(reader_ends, register=register)
        plan = ReceiverPlan(node=name, namespace=namespace, control=control.fileno(), cameras=tuple(rings))
        inherited = [control.fileno(), *(descriptor for ring in rings for descriptor in ring.ends.descriptors)]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "trt_perception.ros.receiver", plan.to_json()],
                stdin=subprocess.DEVNULL,
                pass_fds=inherited,
                start_new_session=True,  # Control-C is the node's: it ends its receivers itself
            )
        finally:
            control.close()
            for ring in rings:
                ring.ends.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def fileno(self) -> int:
        """The control socket: readable when it says something, and at its end once it is gone."""
        return self._control.fileno()

    def subscribe(self, cameras: Mapping[str, Subscription]) -> None:
        """Receive these of its cameras, and no others. A process that has ended is left alone."""
        wanted = {
            name: {"topic": subscription.topic, "qos": dict(subscription.qos)}
            for name, subscription in cameras.items()
            if name in self.readers
        }
        with contextlib.suppress(OSError):
            self._control.send(pack("subscribe", cameras=wanted))

    def packets(self) -> Iterator[dict[str, Any]]:
        """What it has told, oldest first; never waits.

        Raises:
            EOFError: It is gone.
        """
        while True:
            try:
                packet = self._control.recv(PACKET_BYTES)
            except BlockingIOError:
                return
            except ConnectionError:
                packet = b""
            if not packet:
                raise EOFError
            values = unpack(packet)
            if values["kind"] == "alive":
                self.alive_ns = time.monotonic_ns()
                self.cpu_ns = values["cpu_ns"]
            else:
                yield values

    def ask_to_end(self) -> None:
        """Let it end by itself, without waiting for it."""
        self._control.close()

    def end(self, timeout_s: float = 0.0) -> str:
        """End it, politely where there is time, and close what it was talked to by.

        Returns:
            How it ended, in words.
        """
        self.ask_to_end()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
        return _words(self._process.wait())

    def close_rings(self) -> bool:
        """Release the rings; False where messages are still in use: call it again later."""
        closed = [reader.close() for reader in self.readers.values()]
        return all(closed)


def _words(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
