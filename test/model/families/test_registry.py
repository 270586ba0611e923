"""Every kind has one family, and every family says how its models see images."""

from __future__ import annotations

import pytest

from trt_perception.model.families.registry import FAMILIES, family_of
from trt_perception.model.model_spec import HeadKind


@pytest.mark.parametrize("kind", HeadKind, ids=lambda kind: kind.value)
def test_every_kind_has_exactly_one_family(kind: HeadKind) -> None:
    assert [family for family in FAMILIES if kind in family.kinds] == [family_of(kind)]
    assert family_of(kind).preprocess.because
