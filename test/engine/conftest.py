"""What tests of making engines share."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.build_request import make_request
from helpers.fake_builder import FakeBuilder

from trt_perception.engine import make_engine
from trt_perception.engine.engine_request import EngineRequest


@pytest.fixture
def request_(tmp_path: Path) -> EngineRequest:
    """An engine of a small model."""
    return make_request(tmp_path)


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> FakeBuilder:
    """Stands in for the process that builds."""
    fake = FakeBuilder()
    monkeypatch.setattr(make_engine, "build_in_child", fake)
    return fake
