"""Compressed chunks and messages of a bag, unpacked to no more than they say they are, and to no more than a limit.

A thousandth of a percent of its unpacked size is enough for zstd, so what a bag unpacks to cannot be told from how
large it is. Both formats say it beforehand, but the packages that unpack them believe the data, not the declaration.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from trt_perception.bag.libraries import load_lz4, load_rosbags, load_zstd

MAX_UNPACKED_BYTES = 2**30
"""Of one chunk, of one message, and of all chunks that are held at a time. The largest image that is read has 0.8e9
bytes; recorders end a chunk after some MB."""


class TooLargeError(ValueError):
    """Something would unpack to more than is allowed."""


def check_unpacked_size(size: int, what: str) -> None:
    """Refuses a declared size.

    Raises:
        TooLargeError: It is beyond MAX_UNPACKED_BYTES.
    """
    if size > MAX_UNPACKED_BYTES:
        raise TooLargeError(
            f"{what}: expected at most {MAX_UNPACKED_BYTES / 2**30:.0f} GiB unpacked, got {size / 2**30:.1f} GiB"
        )


def unpack_message(data: bytes) -> bytes:
    """A message as the recorder compressed it: one zstd frame that says its size, as rosbag2 itself demands.

    Raises:
        TooLargeError: It says more than MAX_UNPACKED_BYTES.
        ValueError: It does not say its size, or is not as it says.
    """
    size: int | None = load_zstd().get_frame_info(data).decompressed_size
    if size is None:
        raise ValueError("a compressed message does not say its size")
    check_unpacked_size(size, "a compressed message")
    return _unpack_zstd(data, size)


@cache
def limit_chunks() -> None:
    """Makes rosbags unpack chunks of MCAP files to the declared size at most. Once for a process is enough.

    Raises:
        MissingError: rosbags is not installed.
    """
    load_rosbags("rosbags.rosbag2.storage_mcap").DECOMPRESSORS.update(
        {name: _limited(unpack) for name, unpack in (("", _as_it_is), ("lz4", _unpack_lz4), ("zstd", _unpack_zstd))}
    )


def _limited(unpack: Callable[[bytes, int], bytes]) -> Callable[[bytes, int], bytes]:
    def limited(data: bytes, size: int) -> bytes:
        check_unpacked_size(size, "a chunk")
        return unpack(data, size)

    return limited


def _as_it_is(data: bytes, size: int) -> bytes:
    return data  # its length is compared with `size` by rosbags


def _unpack_zstd(data: bytes, size: int) -> bytes:
    return _unpack(load_zstd().ZstdDecompressor(), data, size)


def _unpack_lz4(data: bytes, size: int) -> bytes:
    return _unpack(load_lz4().LZ4FrameDecompressor(), data, size)


def _unpack(decompressor: Any, data: bytes, size: int) -> bytes:
    # One byte more than there may be, so that an end that still has to be read is, and more than it said is seen.
    unpacked: bytes = decompressor.decompress(data, max_length=size + 1)
    if len(unpacked) != size or not decompressor.eof:
        raise ValueError(f"expected {size} bytes unpacked, got {'more' if len(unpacked) > size else len(unpacked)}")
    return unpacked
