"""What `judge` keeps beside an engine, and the benefit that it reads from two manifests."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.engine_pair import GPU, EnginePair, make_pair

from trt_perception.cli.judge_benefit import known_benefit
from trt_perception.cli.judge_card import write_card
from trt_perception.engine.engine_results import LatencyResult, LatencyRow
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.manifest import read_manifest
from trt_perception.errors import InputError
from trt_perception.validate.agreement import Agreement, DetectionAgreement, MaskAgreement
from trt_perception.validate.agreement_limits import AgreementLimits

AGREEMENT = Agreement(
    images=12,
    limits=AgreementLimits(),
    detections=(DetectionAgreement(head="boxes", objects=5, pseudo_map50=0.99, missed=0, new=1),),
    masks=(MaskAgreement(head="mask", pixel_agreement=0.995, reference={}, tested={}),),
)


def engine(folder: Path, *, frames_per_s: float, memory_mib: float | None = 50.0, gpu: GpuIdentity = GPU) -> EnginePair:
    rows = tuple(
        LatencyRow(streams=streams, batch=1, p50_ms=1.0, p99_ms=2.0, frames_per_s=frames_per_s * streams)
        for streams in (1, 4)
    )
    folder.mkdir()
    return make_pair(folder, latency=LatencyResult(rows=rows, device_memory_mib=memory_mib), gpu=gpu)


def test_benefit_is_judged_at_the_target_s_streams(tmp_path: Path) -> None:
    int8 = engine(tmp_path / "int8", frames_per_s=150)
    fp16 = engine(tmp_path / "fp16", frames_per_s=100)
    assert known_benefit(int8.engine, fp16.engine, 4).speed_ratio == 1.5
    assert known_benefit(int8.engine, fp16.engine, 4).is_recommended
    assert not known_benefit(fp16.engine, int8.engine, 4).is_recommended


def test_without_measured_memory_the_plans_are_compared(tmp_path: Path) -> None:
    one = engine(tmp_path / "one", frames_per_s=100, memory_mib=None)
    other = engine(tmp_path / "other", frames_per_s=100, memory_mib=10.0)
    assert known_benefit(one.engine, other.engine, 1).memory_ratio == 1.0


def test_an_engine_that_was_not_measured_names_the_command(tmp_path: Path) -> None:
    one = engine(tmp_path / "one", frames_per_s=100)
    with pytest.raises(InputError, match=r"not measured at 8 streams.*bench .*tiny\.engine --streams 8 --write-card"):
        known_benefit(one.engine, one.engine, 8)


def test_engines_of_two_gpus_are_not_compared(tmp_path: Path) -> None:
    one = engine(tmp_path / "one", frames_per_s=100)
    other = engine(tmp_path / "other", frames_per_s=100, gpu=GpuIdentity(name="Orin", compute_capability="8.7"))
    with pytest.raises(InputError, match="engine of NVIDIA H200, got one of Orin"):
        known_benefit(one.engine, other.engine, 1)


def test_figures_and_verdict_stand_in_manifest_and_card(tmp_path: Path) -> None:
    int8 = engine(tmp_path / "int8", frames_per_s=150)
    fp16 = engine(tmp_path / "fp16", frames_per_s=100)
    benefit = known_benefit(int8.engine, fp16.engine, 4)
    was_signed = write_card(
        int8.engine, AGREEMENT, sources=[Path("drives/monday")], against=fp16.engine, streams=4, benefit=benefit
    )
    assert not was_signed
    manifest = read_manifest(int8.engine)
    assert manifest.accuracy is not None
    assert manifest.latency is not None
    assert manifest.accuracy.holds
    assert manifest.accuracy.frames == 12
    assert manifest.accuracy.data == "monday"
    assert manifest.accuracy.metrics["boxes pseudo-mAP50"] == (1.0, 0.99)
    assert (manifest.latency.speed, manifest.latency.size, manifest.latency.holds) == (1.5, 1.0, True)
    card = int8.files.card.read_text()
    assert "Recommended. Accuracy gate: holds. Benefit gate: holds." in card
    assert "| boxes pseudo-mAP50 | 100.00 | 99.00 | -1.00 |" in card
