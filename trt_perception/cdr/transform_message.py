"""tf2_msgs/msg/TFMessage: where frames lie relative to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trt_perception.cdr.cdr_reader import CdrReader
from trt_perception.cdr.cdr_writer import CdrWriter

TRANSFORMS_TYPE = "tf2_msgs/msg/TFMessage"

_SMALLEST_TRANSFORM = 12 + 4 + 7 * 8


@dataclass(frozen=True, kw_only=True)
class TransformRecord:
    """One geometry_msgs/msg/TransformStamped: where the child frame lies in its parent.

    Args:
        stamp_ns: Stamp of the header, nanoseconds.
        frame_id: The parent frame.
        child_frame_id: The child frame.
        translation: x y z of the child's origin in the parent frame, m.
        rotation: Unit quaternion x y z w that turns vectors of the child frame into the parent frame.
    """

    stamp_ns: int
    frame_id: str
    child_frame_id: str
    translation: tuple[float, float, float]
    rotation: tuple[float, float, float, float]


def decode_transforms(data: bytes | memoryview) -> tuple[TransformRecord, ...]:
    """Reads a TFMessage.

    Raises:
        FrameError: malformed or big_endian.
    """
    reader = CdrReader(TRANSFORMS_TYPE, data)
    return tuple(_read_transform(reader) for _ in range(reader.count(_SMALLEST_TRANSFORM)))


def encode_transforms(transforms: Sequence[TransformRecord]) -> bytes:
    """Writes a TFMessage.

    Raises:
        ValueError: A stamp that does not fit a Time message.
    """
    writer = CdrWriter()
    writer.number("I", len(transforms))
    for transform in transforms:
        writer.header(transform.stamp_ns, transform.frame_id)
        writer.text(transform.child_frame_id)
        writer.doubles((*transform.translation, *transform.rotation))
    return writer.message()


def _read_transform(reader: CdrReader) -> TransformRecord:
    stamp_ns, frame_id = reader.header()
    child_frame_id = reader.text()
    tx, ty, tz, qx, qy, qz, qw = reader.doubles(7).tolist()
    return TransformRecord(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        child_frame_id=child_frame_id,
        translation=(tx, ty, tz),
        rotation=(qx, qy, qz, qw),
    )
