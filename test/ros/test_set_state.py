"""What is said of a set that is not complete."""

from __future__ import annotations

import pytest

from trt_perception.pairing.pairing_options import PairingOptions
from trt_perception.ros.counters import WINDOW_NS
from trt_perception.ros.set_state import SetState

SECOND, MS = 1_000_000_000, 1_000_000
NOW = 100 * SECOND
INCOMPLETE = "pipeline night: the set [front, ir] is incomplete: ir "


@pytest.fixture
def state() -> SetState:
    return SetState("night", ("front", "ir"), PairingOptions(tolerance_ms=5.0, deadline_ms=50.0))


@pytest.mark.parametrize(
    ("nearest_ns", "is_enabled", "last_received_ns", "why"),
    [
        pytest.param(None, True, 0, "has sent no image", id="never_came"),
        pytest.param(None, True, NOW - 4 * SECOND, "has sent no image for 4.0 s", id="silent"),
        pytest.param(-4 * SECOND, True, NOW - 4 * SECOND, "has sent no image for 4.0 s", id="silent_with_an_old_one"),
        pytest.param(
            12 * MS,
            True,
            NOW - 10 * MS,
            "has none within tolerance_ms 5; its nearest stamp is 12.0 ms later",
            id="stamps_do_not_match",
        ),
        pytest.param(
            -3600 * SECOND,
            True,
            NOW - 10 * MS,
            "has none within tolerance_ms 5; its nearest stamp is 3600000.0 ms earlier",
            id="another_clock",
        ),
        pytest.param(0, False, NOW, "is disabled", id="disabled"),
    ],
)
def test_the_reason_is_named(
    state: SetState, nearest_ns: int | None, is_enabled: bool, last_received_ns: int, why: str
) -> None:
    text = state.unpaired(1, nearest_ns, NOW, is_enabled=is_enabled, last_received_ns=last_received_ns)
    assert text == INCOMPLETE + why
    assert state.incomplete(NOW + WINDOW_NS - 1) == text
    assert state.incomplete(NOW + WINDOW_NS) == ""


def test_only_a_long_time_without_a_set_is_told_when_it_is_over(state: SetState) -> None:
    def miss(now_ns: int) -> None:
        state.unpaired(1, None, now_ns, is_enabled=True, last_received_ns=0)

    assert state.complete(NOW) == ""
    miss(NOW)
    assert state.complete(NOW + SECOND // 2) == ""
    miss(NOW + SECOND)
    miss(NOW + 2 * SECOND)
    assert state.complete(NOW + 4 * SECOND) == "pipeline night: the set [front, ir] is complete again after 3.0 s"
    assert state.complete(NOW + 5 * SECOND) == ""
