"""Everything that a validation found, for machines: report.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trt_perception.errors import InputError
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.json_schema import to_plain
from trt_perception.validate.drift import Drift
from trt_perception.validate.gate_outcome import GateOutcome, GateStatus
from trt_perception.validate.run_folder import REPORT_JSON, read_json
from trt_perception.validate.run_header import without_pairing
from trt_perception.validate.validation_metrics import ValidationMetrics
from trt_perception.validate.worst_frames import WorstFrame

SCHEMA = 1
"""Of report.json. History: 1, the first."""
KIND = "trt_perception.report"


@dataclass(frozen=True, kw_only=True)
class StageTimes:
    """Times of one stage over all processed frames, milliseconds."""

    p50: float
    p90: float
    p99: float
    max: float
    mean: float


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How many frames took how long: n + 1 edges in milliseconds, n counts."""

    edges_ms: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ReportTimes:
    """How long the frames took.

    Args:
        backend: Full name of what ran the model.
        processes: Processes that ran frames.
        frames_per_s: Over the whole run; None where nothing was left to run.
        stages_ms: By camera (and ``all``), then by stage; the stage ``total`` is the sum of a frame's stages.
        histogram: Of the total over all cameras; None where the run has none.
    """

    backend: str
    processes: int
    frames_per_s: float | None
    stages_ms: Mapping[str, Mapping[str, StageTimes]]
    histogram: Histogram | None = None

    @property
    def p99_ms(self) -> float | None:
        """99th percentile of a frame's time."""
        total = self.stages_ms.get("all", {}).get("total")
        return total.p99 if total else None


@dataclass(frozen=True, kw_only=True)
class Report:
    """One validation.

    Args:
        passed: Whether no gate failed.
        gates_name: Name of the gates.
        gates: What became of each gate.
        metrics: The run's figures, as in metrics.json.
        times: None where the run was put together from others.
        curves: By detection head and label, precision at recall 0, 0.01, ... 1 and IoU 0.5; empty without truth.
        drift: Against the baseline; None where none was given.
        worst_by: What the worst frames are judged by: ``truth``, ``baseline``, or ``nothing``.
        worst: The worst frames, worst first.
    """

    schema: int = SCHEMA
    kind: str = KIND
    passed: bool
    gates_name: str
    gates: tuple[GateOutcome, ...]
    metrics: ValidationMetrics
    times: ReportTimes | None
    curves: Mapping[str, Mapping[str, tuple[float, ...]]]
    drift: Drift | None
    worst_by: str
    worst: tuple[WorstFrame, ...]

    @property
    def failed_gates(self) -> tuple[GateOutcome, ...]:
        """Those that did not hold."""
        return tuple(outcome for outcome in self.gates if outcome.status is GateStatus.FAILED)

    def to_plain(self) -> dict[str, object]:
        """For JSON."""
        plain: dict[str, Any] = to_plain(self)
        without_pairing(plain["metrics"])
        return plain


def read_report(path: Path) -> Report:
    """Read report.json, or the one of a run's folder.

    Raises:
        InputError: The file cannot be read, is no report, or of another format.
    """
    file = path / REPORT_JSON if path.is_dir() else path
    data = read_json(file)
    kind, schema = (data.get("kind"), data.get("schema")) if isinstance(data, Mapping) else (None, None)
    if kind != KIND or schema != SCHEMA:
        raise InputError(
            f"{file}: expected the report.json of a validation, schema {SCHEMA}; got kind {kind!r}, schema {schema!r}; "
            "make it with `trt-perception validate`"
        )
    return from_mapping(Report, data, where=str(file))
