"""Mappings become options: what is taken, what is refused with the place, and that nothing else ever comes out."""

from __future__ import annotations

import math
from typing import Any

import pytest
from helpers.sample_options import Car, Colour, Wheel
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.errors import ConfigError
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.json_schema import to_plain


@pytest.mark.parametrize(
    ("data", "car"),
    [
        pytest.param({"name": "a"}, Car(name="a"), id="defaults"),
        pytest.param({"name": "a", "colour": "blue"}, Car(name="a", colour=Colour.BLUE), id="enum"),
        pytest.param({"name": "a", "seats": 4.0}, Car(name="a", seats=4), id="whole_float_as_int"),
        pytest.param({"name": "a", "seats": None}, Car(name="a"), id="null"),
        pytest.param(
            {"name": "a", "wheels": [{"radius_mm": 300}]}, Car(name="a", wheels=(Wheel(radius_mm=300.0),)), id="nested"
        ),
        pytest.param({"name": "a", "size": (4, 2)}, Car(name="a", size=(4, 2)), id="tuple"),
        pytest.param(
            {"name": "a", "limits": {"x": 1, 7: 0.5}}, Car(name="a", limits={"x": 1.0, "7": 0.5}), id="number_as_key"
        ),
        pytest.param({"name": "a", "number": "six"}, Car(name="a", number="six"), id="second_kind_of_a_union"),
    ],
)
def test_makes_the_dataclass(data: object, car: Car) -> None:
    made = from_mapping(Car, data, where="x.yaml")
    assert made == car
    assert from_mapping(Car, to_plain(made), where="x.yaml") == car


def test_numbers_have_the_annotated_type() -> None:
    made = from_mapping(Car, {"name": "a", "seats": 4.0, "limits": {"x": 1}}, where="x.yaml")
    assert type(made.seats) is int
    assert type(made.limits["x"]) is float


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param([], "x.yaml: expected a mapping, got []", id="list"),
        pytest.param(None, "x.yaml: expected a mapping, got None", id="empty_file"),
        pytest.param({}, "x.yaml: missing key 'name'; Name.", id="missing"),
        pytest.param({"name": "a", "color": "red"}, "x.yaml: unknown key 'color'; did you mean 'colour'?", id="typo"),
        pytest.param({"name": "a", 3: 4}, "x.yaml: unknown key 3; valid keys are name, colour", id="number_as_field"),
        pytest.param(
            {"name": "a", "colour": "green"}, "x.yaml: colour: expected one of 'red', 'blue', got 'green'", id="enum"
        ),
        pytest.param(
            {"name": "a", "colour": ["red"]},
            "x.yaml: colour: expected one of 'red', 'blue', got ['red']",
            id="list_as_enum",
        ),
        pytest.param({"name": 3}, "x.yaml: name: expected a text, got 3", id="number_as_text"),
        pytest.param({"name": "a", "is_new": 1}, "x.yaml: is_new: expected true or false, got 1", id="number_as_bool"),
        pytest.param(
            {"name": "a", "seats": True}, "x.yaml: seats: expected a whole number, got True", id="bool_as_number"
        ),
        pytest.param({"name": "a", "seats": 2.5}, "x.yaml: seats: expected a whole number, got 2.5", id="fraction"),
        pytest.param(
            {"name": "a", "seats": 10}, "x.yaml: seats: expected a number from 1 to 9, got 10", id="too_large"
        ),
        pytest.param({"name": "a", "size": [1]}, "x.yaml: size: expected a list of 2 values, got 1", id="short_tuple"),
        pytest.param({"name": "a", "size": "12"}, "x.yaml: size: expected a list, got '12'", id="text_as_list"),
        pytest.param(
            {"name": "a", "size": [1, -1]}, "x.yaml: size[1]: expected a number of at least 0, got -1", id="in_tuple"
        ),
        pytest.param(
            {"name": "a", "wheels": [{"radius_mm": math.nan}]},
            "x.yaml: wheels[0].radius_mm: expected a finite number, got nan",
            id="nan",
        ),
        pytest.param(
            {"name": "a", "wheels": [{"radius_mm": math.inf}]},
            "x.yaml: wheels[0].radius_mm: expected a finite number, got inf",
            id="inf",
        ),
        pytest.param(
            {"name": "a", "wheels": [{"radius_mm": 10**400}]},
            "x.yaml: wheels[0].radius_mm: expected a finite number",
            id="beyond_float",
        ),
        pytest.param(
            {"name": "a", "seats": 10**5000},
            "x.yaml: seats: expected a number from 1 to 9, got <int too large",
            id="beyond_print",
        ),
        pytest.param(
            {"name": "a", "wheels": [{}]}, "x.yaml: wheels[0]: missing key 'radius_mm'; Radius.", id="missing_nested"
        ),
        pytest.param({"name": "a", "limits": [1]}, "x.yaml: limits: expected a mapping, got [1]", id="list_as_mapping"),
        pytest.param(
            {"name": "a", "limits": {"x": 2}}, "x.yaml: limits.x: expected a number from 0 to 1, got 2", id="in_mapping"
        ),
        pytest.param(
            {"name": "a", "limits": {None: 1}}, "x.yaml: limits: expected texts as keys, got None", id="null_as_key"
        ),
        pytest.param(
            {"name": "a", "limits": {1: 1, "1": 0}},
            "x.yaml: limits: the key '1' stands twice",
            id="key_as_text_and_number",
        ),
        pytest.param({"name": "a", "number": 11}, "x.yaml: number: expected a text, got 11", id="no_kind_of_a_union"),
    ],
)
def test_refuses_with_the_place(data: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_mapping(Car, data, where="x.yaml")
    assert str(caught.value).startswith(message)


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [10, 100_000])
def test_refuses_lists_of_any_depth(depth: int) -> None:
    with pytest.raises(ConfigError, match="expected a text"):
        from_mapping(Car, {"name": _nested(depth)}, where="x.yaml")


_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["red", "blue"])
)
_KEYS = st.sampled_from([*Car.__dataclass_fields__, *Wheel.__dataclass_fields__]) | _SCALARS.filter(
    lambda key: key == key
)
_ANYTHING = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=5), max_leaves=12
)


@given(
    _ANYTHING
    | st.fixed_dictionaries({"name": st.just("a")}, optional=dict.fromkeys([*Car.__dataclass_fields__][1:], _ANYTHING))
)
def test_anything_gives_the_dataclass_or_a_config_error(data: object) -> None:
    try:
        made = from_mapping(Car, data, where="x.yaml")
    except ConfigError:
        return
    assert from_mapping(Car, to_plain(made), where="x.yaml") == made
