"""The schema accepts exactly what from_mapping accepts, so an editor and the node never disagree."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from helpers.sample_options import Car, Wheel
from hypothesis import example, given
from hypothesis import strategies as st

from trt_perception.errors import ConfigError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.json_schema import json_schema, to_plain
from trt_perception.runtime.backend import BackendKind

VALIDATOR = jsonschema.Draft202012Validator(json_schema(Car))


def _is_taken(data: object) -> bool:
    try:
        from_mapping(Car, data, where="x.yaml")
    except ConfigError:
        return False
    return True


_WILD = (
    st.none()
    | st.booleans()
    | st.integers(-20, 2000)
    | st.floats(-20, 2000)
    | st.sampled_from(["red", "blue", "a", ""])
    | st.lists(st.integers(-1, 5), max_size=3)
    | st.dictionaries(st.sampled_from(["x", "radius_mm", "bolts"]), st.floats(-1, 2) | st.integers(0, 9), max_size=3)
)
_WHEEL = st.fixed_dictionaries(
    {}, optional={"radius_mm": st.floats(0, 1100), "bolts": st.integers(0, 9) | _WILD, "x": _WILD}
)
_FITTING: dict[str, st.SearchStrategy[Any]] = {
    "name": st.text(max_size=3),
    "colour": st.sampled_from(["red", "blue", "green"]),
    "is_new": st.booleans(),
    "seats": st.none() | st.integers(0, 10) | st.floats(0, 10),
    "wheels": st.lists(_WHEEL, max_size=2),
    "size": st.lists(st.integers(-1, 3), min_size=1, max_size=3),
    "limits": st.dictionaries(st.text(max_size=2), st.floats(-0.5, 1.5), max_size=2),
    "number": st.integers(5, 15) | st.text(max_size=2),
    "unknown": st.just(1),
}


@given(st.fixed_dictionaries({}, optional={key: values | _WILD for key, values in _FITTING.items()}) | _WILD)
@example({"name": "a"})
@example({"name": "a", "seats": 4.0})
@example({"name": "a", "wheels": [{"radius_mm": 1000, "bolts": 3}]})
def test_schema_and_reader_accept_the_same(data: object) -> None:
    assert VALIDATOR.is_valid(data) == _is_taken(data)


@pytest.mark.parametrize("kind", [Car, Wheel, ModelSpec], ids=lambda kind: kind.__name__)
def test_schema_is_a_valid_schema(kind: type) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(kind))


def test_schema_gives_description_default_and_range() -> None:
    schema = json_schema(Car)
    assert schema["required"] == ["name"]
    assert schema["properties"]["colour"] == {"enum": ["red", "blue"], "default": "red", "description": "Colour."}
    assert schema["properties"]["limits"]["default"] == {}
    assert schema["properties"]["limits"]["additionalProperties"] == {"type": "number", "minimum": 0.0, "maximum": 1.0}


def test_plain_values_are_what_json_knows() -> None:
    car = Car(name="a", wheels=(Wheel(radius_mm=2.0),))
    assert to_plain(car)["wheels"] == [{"radius_mm": 2.0, "bolts": 5}]
    assert to_plain({"kind": BackendKind.TENSORRT}) == {"kind": "tensorrt"}
