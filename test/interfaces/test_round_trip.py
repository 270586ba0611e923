"""What rclpy writes of the interface packages, rosbags reads with definitions typed anew, and the other way round.

Fast DDS and Cyclone DDS compare no type hashes: a field in the wrong place would corrupt the data in silence.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from helpers.vision_definitions import VISION_DEFINITIONS, typed_store

rclpy_serialization = pytest.importorskip("rclpy.serialization", reason="the messages of rclpy need ROS")

TYPE_NAMES = [f"vision_msgs/msg/{name}" for name in VISION_DEFINITIONS] + ["trt_perception_msgs/msg/FrameTiming"]


@pytest.mark.parametrize("type_name", TYPE_NAMES)
def test_rosbags_reads_what_rclpy_writes(type_name: str) -> None:
    message = distinct_message(message_class(type_name), itertools.count(1))

    data = rclpy_serialization.serialize_message(message)

    assert plain(typed_store().deserialize_cdr(data, type_name)) == plain(message)


@pytest.mark.parametrize("type_name", TYPE_NAMES)
def test_rclpy_reads_what_rosbags_writes(type_name: str) -> None:
    message = distinct_message(message_class(type_name), itertools.count(1))
    store = typed_store()
    typed = store.deserialize_cdr(rclpy_serialization.serialize_message(message), type_name)

    data = bytes(store.serialize_cdr(typed, type_name))

    assert plain(rclpy_serialization.deserialize_message(data, type(message))) == plain(typed)


@pytest.mark.parametrize("type_name", TYPE_NAMES)
def test_empty_message_survives(type_name: str) -> None:
    message = message_class(type_name)()

    data = rclpy_serialization.serialize_message(message)

    assert plain(typed_store().deserialize_cdr(data, type_name)) == plain(message)


def message_class(type_name: str) -> Any:
    package, _, name = type_name.split("/")
    return getattr(importlib.import_module(f"{package}.msg"), name)


def distinct_message(cls: Any, numbers: Iterator[int]) -> Any:
    """A message in which no two values are alike, and every sequence has two elements."""
    message = cls()
    for field, kind in cls.get_fields_and_field_types().items():
        setattr(message, field, distinct_value(kind, numbers))
    return message


def distinct_value(kind: str, numbers: Iterator[int]) -> Any:
    if kind.startswith("sequence<"):
        return [distinct_value(kind.removeprefix("sequence<").removesuffix(">"), numbers) for _ in range(2)]
    if kind.endswith("]"):
        element, _, size = kind.removesuffix("]").partition("[")
        return [distinct_value(element, numbers) for _ in range(int(size))]
    if "/" in kind:
        package, name = kind.split("/")
        return distinct_message(message_class(f"{package}/msg/{name}"), numbers)
    number = next(numbers)
    if kind == "string":
        return f"ä{number}" * (number % 4 + 1)  # Several lengths, so that what follows is aligned differently.
    if kind.startswith(("float", "double")):
        return number + 0.5
    return number


def plain(message: Any) -> Any:
    """The values of a message of either library, fields in order."""
    if hasattr(message, "get_fields_and_field_types"):
        return [(field, plain(getattr(message, field))) for field in message.get_fields_and_field_types()]
    if hasattr(message, "__dataclass_fields__"):
        fields = [field for field in message.__dataclass_fields__ if field != "__msgtype__"]
        return [(field, plain(getattr(message, field))) for field in fields]
    if isinstance(message, np.ndarray):
        return [plain(value) for value in message.tolist()]
    if isinstance(message, (list, tuple)):
        return [plain(value) for value in message]
    return message
