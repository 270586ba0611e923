"""When an engine is worth it."""

from __future__ import annotations

import pytest

from trt_perception.validate.benefit import EngineCost, judge_benefit


def cost(frames_per_second: float, memory_mib: float, name: str = "int8") -> EngineCost:
    return EngineCost(name=name, frames_per_second=frames_per_second, p99_ms=1.0, memory_mib=memory_mib)


@pytest.mark.parametrize(
    ("speed", "memory", "is_recommended"),
    [
        pytest.param(130, 100, True, id="faster"),
        pytest.param(130, 150, True, id="faster and larger"),
        pytest.param(100, 60, True, id="smaller"),
        pytest.param(96, 60, True, id="smaller and hardly slower"),
        pytest.param(80, 60, False, id="smaller but slow"),
        pytest.param(100, 100, False, id="the same"),
        pytest.param(102, 98, False, id="better by less than two runs differ"),
    ],
)
def test_recommends_what_is_faster_or_smaller(speed: float, memory: float, is_recommended: bool) -> None:
    benefit = judge_benefit(cost(speed, memory), cost(100, 100, "fp16"), streams=4)
    assert benefit.is_recommended is is_recommended
    assert benefit.text.startswith(f"int8 is {'recommended' if is_recommended else 'not recommended'} at 4 streams")
    assert f"{speed / 100:.2f}x" in benefit.text
    assert f"{memory / 100:.2f}x the device memory" in benefit.text


def test_nothing_compares_with_an_engine_that_does_not_run() -> None:
    with pytest.raises(ValueError, match="above zero"):
        judge_benefit(cost(1, 1), cost(0, 1), streams=1)
