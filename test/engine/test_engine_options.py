"""Options from YAML: what fits, what is refused with which words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.engine.engine_options import EngineOptions, ShapeProfile
from trt_perception.errors import ConfigError
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.json_schema import to_plain

shapes = st.lists(st.integers(1, 2000), min_size=4, max_size=4)


@given(low=shapes, more=shapes, most=shapes, level=st.integers(0, 5), core=st.none() | st.integers(0, 1))
def test_come_back_from_what_they_are_written_as(
    low: list[int], more: list[int], most: list[int], level: int, core: int | None
) -> None:
    best = [a + b for a, b in zip(low, more, strict=True)]
    high = [a + b for a, b in zip(best, most, strict=True)]
    profile = ShapeProfile(input="images", min=tuple(low), opt=tuple(best), max=tuple(high))
    options = EngineOptions(profiles=(profile,), optimization_level=level, dla_core=core, plugins=("a.so",))
    assert from_mapping(EngineOptions, to_plain(options), where="engine.yaml") == options


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        pytest.param(([1, 3], [1, 3, 4], [1, 3]), "three shapes of one rank", id="rank"),
        pytest.param(([0, 3], [1, 3], [1, 3]), "sizes of at least 1", id="zero"),
        pytest.param(([1, 3], [4, 3], [2, 3]), "min <= opt <= max", id="order"),
    ],
)
def test_refuses_a_profile_that_is_none(profile: tuple[list[int], ...], words: str) -> None:
    low, best, high = profile
    data = {"profiles": [{"input": "images", "min": low, "opt": best, "max": high}]}
    with pytest.raises(ConfigError, match=rf"engine\.yaml: profiles\[0\]: profile of images: expected {words}"):
        from_mapping(EngineOptions, data, where="engine.yaml")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param({"optimisation_level": 3}, "did you mean 'optimization_level'", id="unknown"),
        pytest.param({"optimization_level": 6}, "from 0 to 5", id="level"),
        pytest.param({"workspace_mib": 0}, "at least 1", id="workspace"),
        pytest.param(
            {"profiles": [{"input": "x", "min": [1], "opt": [1], "max": [1]}] * 2}, "got two of 'x'", id="twice"
        ),
    ],
)
def test_refuses_what_no_builder_takes(data: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        from_mapping(EngineOptions, data, where="engine.yaml")
