"""Settings whose values are anything at all: an options object that can be written out again, or an error of ours."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.manifest import Manifest
from trt_perception.errors import PerceptionError
from trt_perception.model.model_spec import HeadSpec, InputSpec, ModelSpec
from trt_perception.model.preprocess_options import PreprocessOptions
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.json_schema import to_plain
from trt_perception.precision.precision_plan import PrecisionPlan
from trt_perception.settings.perception_settings import PerceptionSettings

KINDS = (
    EngineOptions, HeadSpec, InputSpec, Manifest, ModelSpec, PerceptionSettings, PrecisionPlan, PreprocessOptions,
)  # fmt: skip

_WORDS = st.text(max_size=8) | st.sampled_from(["float32", "nchw", "yolox", "int8", "letterbox", "re:(", "x.yaml"])
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS | st.integers(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_any_values(kind: type[Any], data: st.DataObject) -> None:
    names = [field.name for field in dataclasses.fields(kind)]
    plain = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(names, _ANYTHING)))
    try:
        made = from_mapping(kind, plain, where="x.yaml")
    except PerceptionError:
        return
    assert from_mapping(kind, to_plain(made), where="x.yaml") == made
