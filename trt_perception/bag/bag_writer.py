"""Writes a rosbag2 bag: whole, or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from trt_perception.bag.bag_files import is_bag
from trt_perception.bag.bag_writer_options import BagWriterOptions, Compression, Storage
from trt_perception.bag.libraries import load_rosbags
from trt_perception.bag.message_definitions import message_types
from trt_perception.bag.partial_folder import PartialFolder
from trt_perception.bag.quality_texts import keep_quality_texts
from trt_perception.bag.storage_file import check_sqlite_path
from trt_perception.errors import BagError

METADATA_VERSION = 8
"""Newest version that Humble, Iron, Jazzy and later all read; 9 writes QoS in a form that the older ones refuse."""


class BagWriter:
    """Writes messages to a new bag, which stands under its name once `close` returns.

    As a context manager it closes at the end; an exception, Ctrl-C and a full disk included, leaves no bag. The same
    messages give the same bytes. Message definitions are embedded.

    Args:
        path: Folder of the bag.
        options: How it is written. Default: BagWriterOptions().

    Raises:
        BagError: The bag exists already, or cannot be written there.
        MissingError: The bag library is not installed.
    """

    def __init__(self, path: Path | str, *, options: BagWriterOptions | None = None) -> None:
        options = options or BagWriterOptions()
        self.path = Path(path)
        self._rosbag2 = load_rosbags("rosbags.rosbag2")
        keep_quality_texts()
        if options.storage is Storage.SQLITE3:
            check_sqlite_path(self.path.absolute())
        self._place = PartialFolder(self.path.absolute(), overwrite=options.overwrite, is_ours=is_bag)
        self._connections: dict[str, Any] = {}
        self._is_open = True
        with self._faults_named():
            self._writer = self._open(options)

    def _open(self, options: BagWriterOptions) -> Any:
        plugins = self._rosbag2.StoragePlugin
        plugin = plugins.SQLITE3 if options.storage is Storage.SQLITE3 else plugins.MCAP
        writer = self._rosbag2.Writer(self._place.folder, version=METADATA_VERSION, storage_plugin=plugin)
        modes = self._rosbag2.CompressionMode
        mode = {
            Compression.CHUNK: modes.STORAGE,
            Compression.MESSAGE: modes.MESSAGE,
            Compression.FILE: modes.FILE,
        }.get(Compression(options.compression))
        if mode is not None:
            writer.set_compression(mode, self._rosbag2.CompressionFormat.ZSTD)
        writer.open()
        return writer

    def add_topic(self, topic: str, type_name: str, *, latched: bool = False) -> None:
        """Announces a topic; once for each, before its first message.

        Args:
            topic: Absolute name, e.g. ``/front/image_raw``.
            type_name: e.g. ``sensor_msgs/msg/Image``.
            latched: Whether players offer it to late subscribers (transient local), as /tf_static is.

        Raises:
            BagError: The topic is there already, or the type is not known.
        """
        self._check_open()
        if topic in self._connections:
            raise BagError(self.path, f"topic {topic} is there already")
        types = message_types()
        if type_name not in types.fielddefs:
            raise BagError(self.path, f"{topic}: no definition of message type {type_name!r} is known")
        with self._faults_named():
            self._connections[topic] = self._writer.add_connection(
                topic, type_name, typestore=types, offered_qos_profiles=[_quality_of_service(latched=latched)]
            )

    def write(self, topic: str, data: bytes | memoryview, *, log_time_ns: int) -> None:
        """Writes one message.

        Args:
            topic: A topic that was added.
            data: The message in CDR.
            log_time_ns: When it is to count as received, nanoseconds, 0 or more.

        Raises:
            BagError: There is no such topic, the time does not fit, or the disk is full; then the bag is gone.
        """
        self._check_open()
        connection = self._connections.get(topic)
        if connection is None:
            raise BagError(self.path, f"no topic {topic}", "add it first")
        if not 0 <= log_time_ns < 2**63:
            raise BagError(self.path, f"{topic}: log time {log_time_ns} ns, expected 0 to 2^63 - 1")
        with self._faults_named():
            self._writer.write(connection, log_time_ns, data)

    def close(self) -> None:
        """Completes the bag and puts it in its place.

        Raises:
            BagError: The disk is full, or the place was taken meanwhile; no bag is left.
        """
        if not self._is_open:
            return
        with self._faults_named():
            self._writer.close()
        self._is_open = False
        self._place.commit()

    def discard(self) -> None:
        """Gives the bag up: nothing is left of it."""
        if self._is_open:
            self._is_open = False
            self._abort()

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _check_open(self) -> None:
        if not self._is_open:
            raise BagError(self.path, "was closed or given up; nothing can be written to it any more")

    def _abort(self) -> None:
        if writer := getattr(self, "_writer", None):
            # It closes its file, which on a full disk fails again; the file is removed next.
            with suppress(OSError, sqlite3.Error):
                writer.abort()
        self._place.discard()

    @contextmanager
    def _faults_named(self) -> Iterator[None]:
        """Gives the bag up on any exception, and says which disk or library fault it was."""
        try:
            yield
        except BaseException as error:
            self.discard()
            if isinstance(error, OSError):
                remedy = "free space, or write elsewhere"
                raise BagError(self.path, f"cannot be written: {error.strerror or error}", remedy) from error
            if isinstance(error, (sqlite3.Error, self._rosbag2.WriterError)):
                raise BagError(self.path, f"cannot be written: {error}", "free space, or write elsewhere") from error
            raise


def _quality_of_service(*, latched: bool) -> Any:
    """Reliable, depth 10; transient local where latched. Times of zero mean "no limit" to rosbag2."""
    interfaces = load_rosbags("rosbags.interfaces")
    durability = interfaces.QosDurability
    never = interfaces.QosTime(0, 0)
    return interfaces.Qos(
        history=interfaces.QosHistory.KEEP_LAST,
        depth=10,
        reliability=interfaces.QosReliability.RELIABLE,
        durability=durability.TRANSIENT_LOCAL if latched else durability.VOLATILE,
        deadline=never,
        lifespan=never,
        liveliness=interfaces.QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=never,
        avoid_ros_namespace_conventions=False,
    )
