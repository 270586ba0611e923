"""One storage file of a bag (.mcap, .db3, either of them also as .zstd), through rosbags."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trt_perception.bag.bag_files import COMPRESSED_SUFFIX
from trt_perception.bag.bag_topic import BagMessage, BagTopic
from trt_perception.bag.libraries import load_rosbags
from trt_perception.bag.open_chunks import indexed_messages
from trt_perception.bag.quality_texts import keep_quality_texts
from trt_perception.bag.unpack import TooLargeError, limit_chunks, unpack_message
from trt_perception.bag.unpack_file import unpack_file
from trt_perception.errors import BagError, PerceptionError

MCAP_MAGIC = b"\x89MCAP0\r\n"
SQLITE_MAGIC = b"SQLite format 3\0"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
"""Starts a message that the recorder compressed; a CDR message starts with a zero byte."""

URI_CHARACTERS = frozenset("?#%")
"""The sqlite3 storage is opened by a file: URI, in which these characters of a path mean something else."""


@dataclass(frozen=True, kw_only=True)
class StorageSummary:
    """What one storage file holds.

    Args:
        path: The file.
        topics: By name.
        start_ns: Earliest log time; None where the file holds no message.
        end_ns: Latest log time.
    """

    path: Path
    topics: Mapping[str, BagTopic]
    start_ns: int | None
    end_ns: int | None


def read_summary(path: Path) -> StorageSummary:
    """Topics and times of one file.

    Raises:
        BagError: The file is damaged, not finished, or of another kind.
    """
    with _open(path) as reader, _faults_named(path):
        topics: dict[str, BagTopic] = {}
        for connection in reader.connections:
            _check_serialization(path, connection)
            topic = BagTopic(
                name=connection.topic,
                type_name=connection.msgtype,
                message_count=connection.msgcount,
                definition=connection.msgdef.data,
            )
            topics[topic.name] = topic.joined(topics.get(topic.name), bag=path)
        empty = not reader.message_count
        return StorageSummary(
            path=path,
            topics=topics,
            start_ns=None if empty else reader.start_time,
            end_ns=None if empty else reader.end_time - 1,
        )


def read_messages(
    path: Path, topics: Collection[str], *, start_ns: int | None, stop_ns: int | None
) -> Iterator[BagMessage]:
    """The messages of some topics in order of their log times, from `start_ns` on and before `stop_ns`.

    Raises:
        BagError: The file is damaged.
    """
    with _open(path) as reader, _faults_named(path):
        wanted = [connection for connection in reader.connections if connection.topic in topics]
        for connection, log_time_ns, data in _messages(reader, wanted, start_ns, stop_ns):
            if not isinstance(data, bytes) or not isinstance(log_time_ns, int):
                # The columns of a sqlite3 row have the types that its bytes say, whatever the table's.
                raise BagError(path, f"a message of {connection.topic} is no blob with a time, the file is damaged")
            yield BagMessage(
                topic=connection.topic,
                type_name=connection.msgtype,
                log_time_ns=log_time_ns,
                data=unpack_message(data) if data[:4] == ZSTD_MAGIC else data,
            )


def _messages(
    reader: Any, connections: Sequence[Any], start_ns: int | None, stop_ns: int | None
) -> Iterator[tuple[Any, Any, Any]]:
    if not connections:
        return iter(())
    if getattr(reader.storage, "chunks", None):
        return indexed_messages(reader, connections, start_ns, stop_ns)
    messages: Iterator[tuple[Any, Any, Any]] = reader.messages(connections, start_ns, stop_ns)
    return messages


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    """A rosbags Reader on one file; a compressed file is unpacked beside the system's other temporary files."""
    rosbag2 = load_rosbags("rosbags.rosbag2")
    limit_chunks()
    keep_quality_texts()
    with ExitStack() as stack:
        with _faults_named(path):
            plain = path
            if path.suffix == COMPRESSED_SUFFIX:
                plain = Path(stack.enter_context(tempfile.TemporaryDirectory())) / path.stem
                unpack_file(path, plain)
            _check_file(plain, shown=path)
            reader = rosbag2.Reader(plain)
            before = _sqlite_connections()
            reader.open()
            stack.callback(reader.close)
            if plain.suffix == ".db3":
                _close_second_connection(plain, reader, before)
                _check_columns(reader, shown=path)
        yield reader


def _sqlite_connections() -> list[Any]:
    connections: list[Any] = load_rosbags("apsw").connections()
    return connections


def _close_second_connection(path: Path, reader: Any, before: list[Any]) -> None:
    """Closes the connection through which rosbags looked at the tables.

    It leaves it to be collected, which under Python 3.10 never happens: a bag of many files would run out of handles.
    """
    kept = [*before, reader.storage.dbconn]
    for connection in _sqlite_connections():
        # Of the same file, lest one be closed that another thread has just opened.
        if all(connection is not other for other in kept) and Path(connection.filename).samefile(path):
            connection.close()


def _check_columns(reader: Any, *, shown: Path) -> None:
    """Refuses tables whose values are computed as they are read: a few bytes could give any number of gigabytes."""
    for table in ("messages", "topics"):
        if any(row[6] for row in reader.storage.dbconn.execute(f"PRAGMA table_xinfo({table})")):
            raise BagError(shown, f"its table {table} has columns that are computed, which no recorder writes")


def _check_file(path: Path, *, shown: Path) -> None:
    """Names the common faults of a file before the library meets them."""
    with path.open("rb") as file:
        start = file.read(16)
        file.seek(0, 2)
        size = file.tell()
        file.seek(max(0, size - len(MCAP_MAGIC)))
        end = file.read()
    if not size:
        raise BagError(shown, "is empty, 0 bytes", "record it again; nothing was written")
    if path.suffix == ".mcap":
        if not start.startswith(MCAP_MAGIC):
            raise BagError(shown, f"is no MCAP file: it starts with {start[:8].hex(' ')}")
        if end != MCAP_MAGIC:
            remedy = "`mcap recover` saves what is in it; if it is being recorded, wait for its end"
            raise BagError(shown, "has no end: it is truncated, or its recorder still runs or was killed", remedy)
        return
    if start != SQLITE_MAGIC:
        raise BagError(shown, f"is no sqlite3 file: it starts with {start[:8].hex(' ')}")
    for suffix in ("-wal", "-journal"):
        if (other := path.with_name(path.name + suffix)).is_file() and other.stat().st_size:
            remedy = f"end the recorder; if it was killed, `sqlite3 {path.name} .tables` settles the file"
            raise BagError(shown, f"has a {other.name} beside it: it is being written, or was not closed", remedy)
    check_sqlite_path(path)


def check_sqlite_path(path: Path) -> None:
    """Refuses a path that the sqlite3 storage would misread.

    Raises:
        BagError: It contains one of ``? # %``.
    """
    if found := URI_CHARACTERS & set(str(path)):
        raise BagError(path, f"sqlite3 bags cannot have {' '.join(sorted(found))} in their path", "rename it")


def _check_serialization(path: Path, connection: Any) -> None:
    if (found := connection.ext.serialization_format) != "cdr":
        raise BagError(path, f"{connection.topic} is serialized as {found!r}, only 'cdr' is read")


@contextmanager
def _faults_named(path: Path) -> Iterator[None]:
    """Turns whatever the library raises on a damaged file into a BagError."""
    try:
        yield
    except PerceptionError:
        raise
    except TooLargeError as error:
        raise BagError(path, str(error), "record it, or convert it, with smaller chunks") from error
    except OSError as error:
        raise BagError(path, f"cannot be read: {error.strerror or error}", "check disk and permissions") from error
    except Exception as error:  # damaged bytes make struct, zstd, lz4, apsw and the library itself raise anything
        problem = str(error) or type(error).__name__
        remedy = "if it is damaged, copy it again, or try `mcap recover` or `ros2 bag reindex`"
        raise BagError(path, f"cannot be read as a ROS 2 bag: {problem}", remedy) from error
