"""What became of every image: shown, dropped for a reason, or lost on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.ros_cameras.case import DETECTION, SEGMENTATION, Case
from bench.ros_cameras.run_case import account
from bench.ros_cameras.setting import write_config, write_dds_profile
from bench.ros_cameras.table import ros_tables
from trt_perception.settings.load_settings import load_settings

MS = 1_000_000
COUNTERS = json.dumps([])


def write(folder: Path, results: list[tuple[int, int, int]], drops: list[tuple[str, int, str]]) -> None:
    """What node and observer leave: results as topic, stamp and age in ms; drops as camera, stamp and reason."""
    rows = np.array(results, np.int64).reshape(-1, 3)
    np.savez(
        folder / "observer.npz",
        topic=rows[:, 0],
        stamp_ns=rows[:, 1],
        received_ns=rows[:, 1] + rows[:, 2] * MS,
        said="{}",
    )
    np.savez(folder / "node.npz", published_ns=[], age_ns=np.array([], np.int64), counters=COUNTERS)
    lines = [json.dumps({"camera": camera, "stamp_ns": stamp, "reason": reason}) for camera, stamp, reason in drops]
    (folder / "drops.jsonl").write_text("\n".join(lines))


def test_every_image_has_one_fate(tmp_path: Path) -> None:
    case = Case(name="two", cameras=2)
    sent = [np.array([100, 200, 300, 900]), np.array([110, 210])]  # 900 comes after the end
    write(tmp_path, [(0, 100, 5), (0, 200, 7), (1, 110, 9), (0, 900, 1)], [("camera_1", 210, "stale")])
    row = account(case, tmp_path, sent, since_ns=100, until_ns=900)
    assert (row["images"], row["results"], row["dropped_by_reason"], row["lost"]) == (5, 3, {"stale": 1}, 1)
    assert row["receipt_p50_ms"] == pytest.approx(7.0)


def test_drops_before_the_measurement_do_not_count(tmp_path: Path) -> None:
    write(tmp_path, [(0, 200, 5)], [("camera_0", 50, "replaced")])
    row = account(Case(name="one", cameras=1), tmp_path, [np.array([50, 200])], since_ns=100, until_ns=900)
    assert (row["dropped"], row["lost"]) == (0, 0)


def test_two_pipelines_are_two_topics_of_one_image(tmp_path: Path) -> None:
    case = Case(name="both", cameras=1, lanes=(DETECTION, SEGMENTATION))
    write(tmp_path, [(0, 100, 5), (1, 100, 6), (0, 200, 5)], [])
    row = account(case, tmp_path, [np.array([100, 200])], since_ns=0, until_ns=900)
    assert row["results_by_topic"] == {"detections": 2, "areas/segmentation": 1}
    assert (row["images"], row["lost"]) == (2, 0)


def test_without_any_result_there_are_no_ages(tmp_path: Path) -> None:
    write(tmp_path, [], [])
    row = account(Case(name="one", cameras=1), tmp_path, [np.array([100])], since_ns=0, until_ns=900)
    assert (row["receipt_p99_ms"], row["publish_p99_ms"], row["lost"]) == (None, None, 1)


def measured(cameras: int, p99: float, dropped: int = 0) -> dict[str, Any]:
    row = {
        "case": f"{cameras}_raw",
        "title": f"{cameras} x bgr8",
        "cameras": cameras,
        "dropped": dropped,
        "seconds": 60.0,
    }
    return {**row, "publish_p99_ms": p99, "receipt_p99_ms": p99 + 1}


@pytest.mark.parametrize(("p99", "dropped", "held"), [(32.9, 0, True), (33.1, 0, False), (10.0, 1, False)])
def test_sixteen_cameras_are_held_in_time_and_without_a_drop(p99: float, dropped: int, held: bool) -> None:
    parts = {"ros_16_raw": {"row": measured(16, p99, dropped)}, "ros_12_raw": {"row": measured(12, 20.0)}}
    goals = ros_tables(parts)["cameras"].goals
    assert goals[0].endswith("held" if held else "MISSED")
    assert ("the largest number of cameras that was held: 12" in goals) is not held


def test_segments_of_many_senders_fit_into_dev_shm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1000 * 2**20

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    text = write_dds_profile(tmp_path, 16).read_text()
    assert f"<segment_size>{38 * 2**20}</segment_size>" in text
    with pytest.raises(SystemExit, match="40 senders need 20 MiB each"):
        write_dds_profile(tmp_path, 40)


def test_cameras_of_a_case_are_spread_over_its_gpus(tmp_path: Path) -> None:
    case = Case(name="spread", cameras=5, gpus=2)
    settings = load_settings(write_config(case, tmp_path, tmp_path, null=True, receivers="auto"))
    assert [camera.device for camera in settings.cameras] == [0, 1, 0, 1, 0]
    assert case.title == "5 x bgr8, detections, on 2 GPUs"
