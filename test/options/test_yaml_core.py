"""What CoreDumper writes, our reader and a YAML 1.1 reader (PyYAML, ROS) both read back unchanged."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.options.read_yaml import parse_yaml
from trt_perception.options.yaml_core import CoreDumper

_WORDS = st.sampled_from(
    [
        "no",
        "on",
        "1e-3",
        "010",
        "12:30",
        "2024-01-01",
        "~",
        "null",
        "0x1F",
        ".inf",
        "<<",
        "=",
        "",
        " a",
        "a: b",
        "#",
        "- x",
        "1_000",
    ]
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | _WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | _WORDS, inner, max_size=4),
    max_leaves=15,
)


@given(_VALUES)
def test_round_trip(value: Any) -> None:
    text = yaml.dump(value, Dumper=CoreDumper, sort_keys=False, allow_unicode=True)
    assert parse_yaml(text.encode("utf-8", "surrogatepass"), where="x.yaml") == value
    assert yaml.safe_load(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({"shape": [1, 3]}, "shape: [1, 3]\n", id="numbers_on_one_line"),
        pytest.param(
            {"labels": ["traffic light", "car", "no", "bus"]},
            'labels:\n- traffic light\n- car\n- "no"\n- bus\n',
            id="labels_below_each_other",
        ),
        pytest.param({"scale": 1e-05}, "scale: 1.0e-05\n", id="small_number"),
        pytest.param({"a": (1.5, float("inf"))}, "a: [1.5, .inf]\n", id="infinity"),
    ],
)
def test_text_is_for_people(value: Any, text: str) -> None:
    assert yaml.dump(value, Dumper=CoreDumper, sort_keys=False) == text
