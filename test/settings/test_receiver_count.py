"""How many receiver processes a config gets."""

from __future__ import annotations

import pytest

from trt_perception.errors import ConfigError
from trt_perception.options.from_mapping import from_mapping
from trt_perception.settings.camera_settings import CameraSettings, Transport
from trt_perception.settings.ingest_settings import IngestSettings
from trt_perception.settings.receiver_count import receiver_count


def cameras(raw: int, compressed: int = 0) -> list[CameraSettings]:
    kinds = [Transport.RAW] * raw + [Transport.COMPRESSED] * compressed
    return [CameraSettings(name=f"camera_{index}", transport=transport) for index, transport in enumerate(kinds)]


@pytest.mark.parametrize(
    ("settings", "raw", "compressed", "cores", "expected"),
    [
        ({}, 1, 0, 16, 0),
        ({}, 4, 0, 16, 0),
        ({}, 5, 0, 16, 2),
        ({}, 16, 0, 16, 4),
        ({}, 0, 12, 16, 0),
        ({}, 6, 6, 16, 2),
        ({}, 16, 0, 4, 2),
        ({}, 16, 0, 2, 0),
        ({"camera_mb_per_s": 60.0}, 6, 0, 16, 0),
        ({"camera_mb_per_s": 750.0}, 3, 0, 16, 3),
        ({"camera_mb_per_s": 5000.0}, 2, 0, 16, 2),
        ({"receivers": 0}, 16, 0, 16, 0),
        ({"receivers": 3}, 16, 0, 2, 3),
        ({"receivers": 8}, 2, 1, 16, 3),
    ],
    ids=[
        "one", "few", "one_too_many", "sixteen", "compressed_only", "compressed_besides", "few_cores", "two_cores",
        "small_images", "large_images", "no_more_than_cameras", "none_wanted", "number_wanted", "more_than_cameras",
    ],
)  # fmt: skip
def test_the_rule(settings: dict[str, object], raw: int, compressed: int, cores: int, expected: int) -> None:
    ingest = from_mapping(IngestSettings, settings, where="perception.yaml: ingest")
    assert receiver_count(ingest, cameras(raw, compressed), cores=cores) == expected


@pytest.mark.parametrize("value", [-1, 65, "many", 1.5], ids=["negative", "absurd", "word", "fraction"])
def test_refuses_what_is_no_number_of_processes(value: object) -> None:
    with pytest.raises(ConfigError, match=r"perception\.yaml: ingest\.receivers: expected"):
        from_mapping(IngestSettings, {"receivers": value}, where="perception.yaml: ingest")
