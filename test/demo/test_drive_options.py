"""Wrong options are refused with the option's name; right ones are kept as plain values."""

from typing import Any

import numpy as np
import pytest

from trt_perception.demo import Condition, Drive, DriveOptions
from trt_perception.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("seed", "7", id="seed_text"),
        pytest.param("seed", 1.5, id="seed_fraction"),
        pytest.param("seed", True, id="seed_bool"),
        pytest.param("seed", -1, id="seed_negative"),
        pytest.param("cameras", 0, id="no_cameras"),
        pytest.param("cameras", 9, id="nine_cameras"),
        pytest.param("duration_s", 0.0, id="no_duration"),
        pytest.param("rate_hz", -4.0, id="negative_rate"),
        pytest.param("rate_hz", float("nan"), id="rate_nan"),
        pytest.param("width", 10, id="narrow"),
        pytest.param("condition", "snow", id="unknown_condition"),
        pytest.param("condition", None, id="no_condition"),
        pytest.param("strength", 1.1, id="too_strong"),
        pytest.param("start_stamp_ns", -1, id="stamp_before_zero"),
        pytest.param("jpeg_quality", 0, id="jpeg_zero"),
        pytest.param("distortion", (0.1, 0.2), id="two_coefficients"),
        pytest.param("distortion", (0.1, 0.2, 0.0, 0.0, float("inf")), id="infinite_coefficient"),
        pytest.param("noise", "loud", id="noise_text"),
    ],
)
def test_names_the_option_and_the_value_that_cannot_be(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"DriveOptions\.{name}: expected .* got "):
        DriveOptions(**{name: value})


def test_takes_numpy_integers_and_condition_words() -> None:
    options = DriveOptions(seed=np.int64(3), condition="fog", duration_s=2)
    assert options == DriveOptions(seed=3, condition=Condition.FOG, duration_s=2.0)
    assert type(options.seed) is int


@pytest.mark.parametrize(("duration_s", "rate_hz", "count"), [(20.0, 4.0, 80), (0.1, 1.0, 1), (1.0, 0.5, 1)])
def test_has_an_instant_for_each_period_and_at_least_one(duration_s: float, rate_hz: float, count: int) -> None:
    assert len(Drive(options=DriveOptions(duration_s=duration_s, rate_hz=rate_hz))) == count


def test_refuses_a_lens_that_bends_the_picture_beyond_use() -> None:
    drive = Drive(options=DriveOptions(distortion=(-0.9, 0.0, 0.0, 0.0, 0.0), cameras=1))
    with pytest.raises(ConfigError, match="distortion"):
        drive.sample(0)
