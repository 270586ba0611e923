"""Jetson's power mode, out of files like those of its nvpmodel service."""

from __future__ import annotations

from pathlib import Path

import pytest

from trt_perception.engine.power_mode import jetson_power_mode

MODES = """\
< PARAM TYPE=FILE NAME=CPU_ONLINE >
CORE_1 /sys/devices/system/cpu/cpu1/online
# < POWER_MODEL ID=1 NAME=OLD >
< POWER_MODEL ID=0 NAME=MAXN >
CPU_ONLINE CORE_1 1
< POWER_MODEL ID=1 NAME=MODE_15W >
< POWER_MODEL ID=12 NAME=MODE_30W>
< PM_CONFIG DEFAULT=2 >
"""


@pytest.mark.parametrize(
    ("status", "modes", "expected"),
    [
        pytest.param("pmode:0000", MODES, "MAXN", id="first"),
        pytest.param("pmode:0001 fmode:quiet\n", MODES, "MODE_15W", id="with_fan_mode"),
        pytest.param("pmode:0012", MODES, "MODE_30W", id="two_digits"),
        pytest.param("pmode:0007", MODES, "7", id="unnamed"),
        pytest.param("pmode:0001", None, "1", id="without_names"),
        pytest.param(None, MODES, "", id="no_service"),
        pytest.param("", MODES, "", id="empty"),
        pytest.param("\0\ufffd", MODES, "", id="damaged"),
    ],
)
def test_mode(tmp_path: Path, status: str | None, modes: str | None, expected: str) -> None:
    for name, text in (("status", status), ("modes", modes)):
        if text is not None:
            (tmp_path / name).write_text(text)
    assert jetson_power_mode(tmp_path / "status", tmp_path / "modes") == expected
