"""The chunks of an indexed MCAP file that are in memory at the same time: those whose times overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from trt_perception.bag.unpack import check_unpacked_size


def indexed_messages(
    reader: Any, connections: Sequence[Any], start_ns: int | None, stop_ns: int | None
) -> Iterator[tuple[Any, int, bytes]]:
    """What ``reader.messages`` of rosbags gives, with a limit to what it holds at a time.

    A chunk stays in memory until its last message in order of time is out. Only what lies inside the times that the
    index gives it counts, so that these times say which chunks are open together.

    Raises:
        TooLargeError: Chunks that are open together unpack to too much.
    """
    ids = [connection.id for connection in connections]
    chunks = [
        chunk
        for chunk in reader.storage.chunks
        if (start_ns is None or start_ns <= chunk.message_end_time)
        and (stop_ns is None or chunk.message_start_time < stop_ns)
        and any(chunk.channel_count.get(number, 0) for number in ids)
    ]
    check_unpacked_size(most_open_bytes(chunks), "chunks that overlap in time")
    if not chunks:
        return
    reader.storage.chunks = chunks
    for connection, log_time_ns, data in reader.messages(connections):
        if (start_ns is None or start_ns <= log_time_ns) and (stop_ns is None or log_time_ns < stop_ns):
            yield connection, log_time_ns, data


def most_open_bytes(chunks: Sequence[Any]) -> int:
    """The largest sum of unpacked sizes of chunks that have a time in common."""
    events = [(chunk.message_start_time, False, chunk.uncompressed_size) for chunk in chunks]
    events += [
        (max(chunk.message_start_time, chunk.message_end_time), True, -chunk.uncompressed_size) for chunk in chunks
    ]
    most = now = 0
    for _, _, change in sorted(events):  # of equal times, those that begin first
        now += change
        most = max(most, now)
    return most
