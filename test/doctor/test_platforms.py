"""The row of docs/platforms.md that a machine falls into."""

from __future__ import annotations

from pathlib import Path

import pytest

from trt_perception.doctor import platforms
from trt_perception.doctor.finding import Level
from trt_perception.doctor.platforms import ROWS, find_row, platform_checks
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.tensorrt_module import TensorRtIdentity
from trt_perception.errors import MissingError

PAGE = Path(__file__).resolve().parents[2] / platforms.PAGE

H200 = GpuIdentity(name="NVIDIA H200", compute_capability="9.0")
ORIN = GpuIdentity(name="Orin", compute_capability="8.7")


def here(
    monkeypatch: pytest.MonkeyPatch, tensorrt: TensorRtIdentity | None, gpu: GpuIdentity | None, machine: str = "x86_64"
) -> None:
    """Let the machine have this TensorRT alone, and this GPU."""

    def current_gpu() -> GpuIdentity:
        if gpu is None:
            raise MissingError("libcuda.so.1 not found", "install the driver")
        return gpu

    monkeypatch.setattr(platforms, "_identity", lambda module: tensorrt if module == "tensorrt" else None)
    monkeypatch.setattr(platforms, "current_gpu", current_gpu)
    monkeypatch.setattr(platforms.platform, "machine", lambda: machine)


def trt(version: str, flavour: str = "tensorrt") -> TensorRtIdentity:
    return TensorRtIdentity(flavour=flavour, version=version)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.flavour}_{row.version}")
def test_every_row_stands_on_the_page_with_the_same_word(row: platforms.PlatformRow) -> None:
    name = "TensorRT-RTX " if row.flavour == "tensorrt_rtx" else ""
    (line,) = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| {name}{row.version} |")]
    assert f"**{row.state}**" in line
    assert row.gpu in line


def test_every_tensorrt_of_the_page_is_a_row() -> None:
    text = PAGE.read_text().partition("## TensorRT")[2].partition("\n## ")[0]
    listed = [line.split("|")[1].split()[-1] for line in text.splitlines() if line.startswith("| ")]
    assert {version for version in listed if version[0].isdigit()} == {row.version for row in ROWS}


@pytest.mark.parametrize(
    ("tensorrt", "gpu", "machine", "level", "words"),
    [
        pytest.param(trt("8.6.1"), H200, "x86_64", Level.OK, "NVIDIA H200, x86_64: run", id="what_was_run"),
        pytest.param(trt("8.6.1"), ORIN, "x86_64", Level.WARNING, "never tried", id="another_gpu"),
        pytest.param(trt("8.6.1.6"), H200, "x86_64", Level.OK, ": run", id="a_build_of_the_version"),
        pytest.param(trt("8.6.10"), H200, "x86_64", Level.WARNING, "never tried", id="another_version"),
        pytest.param(trt("8.6.1"), H200, "aarch64", Level.WARNING, "never tried", id="another_processor"),
        pytest.param(
            trt("10.15.1.29"), H200, "x86_64", Level.WARNING, "parsed and configured", id="parsed_and_configured"
        ),
        pytest.param(trt("8.6.1"), None, "x86_64", Level.WARNING, "on no GPU, x86_64: never tried", id="no_gpu"),
        pytest.param(None, None, "x86_64", Level.OK, "no TensorRT: run, by ONNX Runtime", id="cpu"),
        pytest.param(None, None, "aarch64", Level.WARNING, "never tried", id="cpu_of_another_kind"),
    ],
)
def test_says_how_far_it_was_tried(
    tensorrt: TensorRtIdentity | None,
    gpu: GpuIdentity | None,
    machine: str,
    level: Level,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here(monkeypatch, tensorrt, gpu, machine)
    (finding,) = platform_checks()
    assert finding.level is level
    assert words in finding.detail
    assert bool(finding.remedy) is (level is Level.WARNING)


def test_the_flavour_decides_with_the_version() -> None:
    assert find_row(trt("1.7.1.116", "tensorrt_rtx"), None) is not None
    assert find_row(trt("1.7.1.116"), None) is None
