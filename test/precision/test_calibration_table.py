"""The table's file: what is written is read, and a wrong file is refused by name."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_perception.errors import InputError
from trt_perception.precision.calibration_table import CalibrationTable, read_table, write_table

TABLE = CalibrationTable(
    ranges={"conv_1": 2.5, "images": 255.0},
    dead=("relu_9",),
    method="percentile 99.99",
    frames=500,
    model_sha256="a" * 64,
    data_digest="b" * 64,
    preprocess_digest="c" * 64,
)


def changed(**fields: Any) -> dict[str, Any]:
    return {"schema": 1, **dataclasses.asdict(TABLE), **fields}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.json"


def test_reads_what_it_wrote(path: Path) -> None:
    write_table(TABLE, path)
    assert read_table(path) == TABLE
    assert [child.name for child in path.parent.iterdir()] == ["table.json"]


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(st.text(), st.floats(min_value=0, exclude_min=True, allow_infinity=False, allow_nan=False)),
)
def test_ranges_come_back_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, ranges: dict[str, float]) -> None:
    path = tmp_path_factory.mktemp("table") / "table.json"
    write_table(dataclasses.replace(TABLE, ranges=ranges, dead=()), path)
    assert dict(read_table(path).ranges) == ranges


def test_ranges_cannot_be_changed_from_outside() -> None:
    ranges = {"conv_1": 2.5}
    table = dataclasses.replace(TABLE, ranges=ranges)
    ranges["conv_1"] = 3.0
    assert table.ranges["conv_1"] == 2.5


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf], ids=str)
def test_refuses_a_range_that_is_not_positive_and_finite(value: float) -> None:
    with pytest.raises(InputError, match=r"'conv_1': expected a positive finite number"):
        dataclasses.replace(TABLE, ranges={"conv_1": value})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"ranges": {"images": 254.0}}, id="range"),
        pytest.param({"dead": ()}, id="dead"),
        pytest.param({"method": "max"}, id="method"),
        pytest.param({"frames": 499}, id="frames"),
        pytest.param({"model_sha256": "d"}, id="model"),
        pytest.param({"data_digest": "d"}, id="data"),
        pytest.param({"preprocess_digest": "d"}, id="preprocess"),
    ],
)
def test_the_digest_sees_every_field(change: dict[str, Any]) -> None:
    assert dataclasses.replace(TABLE, **change).digest != TABLE.digest


def test_the_digest_does_not_depend_on_the_order_of_the_tensors() -> None:
    turned = dataclasses.replace(TABLE, ranges=dict(reversed(list(TABLE.ranges.items()))))
    assert turned.digest == TABLE.digest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "no JSON", id="empty"),
        pytest.param('{"schema": 1', "no JSON", id="truncated"),
        pytest.param("[]", "schema None", id="list"),
        pytest.param(json.dumps(changed(schema=2)), "expected at most 1, got 2; update", id="newer"),
        pytest.param(json.dumps(changed(extra=0)), "extra", id="unknown_field"),
        pytest.param(json.dumps({"schema": 1}), "frames", id="missing_fields"),
        pytest.param(json.dumps(changed(frames="many")), "frames: expected a whole number", id="frames_text"),
        pytest.param(json.dumps(changed(frames=0)), "frames: expected at least 1", id="no_frames"),
        pytest.param(json.dumps(changed(ranges={"a": "1"})), "ranges: expected an object of numbers", id="range_text"),
        pytest.param(json.dumps(changed(ranges={"a": math.nan})), "positive finite", id="range_nan"),
        pytest.param(json.dumps(changed(ranges={"a": 10**400})), "that a float64 holds", id="range_too_large"),
        pytest.param(json.dumps(changed(dead=["images"])), "got both", id="dead_with_range"),
        pytest.param(json.dumps(changed(method=None)), "method: expected a text", id="method_null"),
    ],
)
def test_names_the_file_and_what_is_wrong_with_it(path: Path, text: str, words: str) -> None:
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)


def test_names_a_file_that_is_absent_or_cannot_be_written(path: Path) -> None:
    with pytest.raises(InputError, match=r"table\.json: cannot be read"):
        read_table(path)
    with pytest.raises(InputError, match="cannot be written"):
        write_table(TABLE, path / "below" / "table.json")
