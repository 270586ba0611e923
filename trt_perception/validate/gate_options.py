"""What a run must hold to pass: limits of its own figures, and of what it may lose against a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from trt_perception.errors import ConfigError
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.option import option
from trt_perception.options.read_yaml import read_yaml
from trt_perception.share_folder import share_file
from trt_perception.validate.paired_bootstrap import BootstrapOptions

DEFAULT_GATES = "config/gates/default.yaml"


class MissingPolicy(str, Enum):
    """What becomes of a gate whose figures the run does not have, e.g. mAP without ground truth."""

    NOT_APPLICABLE = "not_applicable"
    """The gate is listed with the reason, and says neither yes nor no."""
    FAIL = "fail"
    """The gate fails."""


def _share(default: float | None, description: str) -> float | None:
    limit: float | None = option(default, description=description, minimum=0.0, maximum=1.0)
    return limit


def _points(default: float | None, description: str) -> float | None:
    limit: float | None = option(default, description=description, minimum=0.0, maximum=100.0)
    return limit


@dataclass(frozen=True, kw_only=True)
class AbsoluteGates:
    """Limits of the run's own figures; null: no such gate."""

    min_map50: float | None = _share(None, "mAP50 of each detection head, at least; 0 to 1.")
    min_map50_95: float | None = _share(None, "mAP50:95 of each detection head, at least; 0 to 1.")
    min_precision: float | None = _share(None, "Precision at the operating score and IoU 0.5, at least.")
    min_recall: float | None = _share(None, "Recall at the operating score and IoU 0.5, at least.")
    min_class_map50: Mapping[str, float] = option(
        default_factory=dict, description="mAP50 by label, at least.", minimum=0.0, maximum=1.0
    )
    min_condition_map50: Mapping[str, float] = option(
        default_factory=dict, description="mAP50 by condition (night, rain, ...), at least.", minimum=0.0, maximum=1.0
    )
    min_miou: float | None = _share(None, "Mean IoU of each mask head, at least; 0 to 1.")
    max_skipped_share: float | None = _share(0.01, "Share of the frames without a result, at most.")
    max_p99_ms: float | None = option(
        None, description="99th percentile of a frame's time, all stages, milliseconds, at most.", minimum=0.0
    )


@dataclass(frozen=True, kw_only=True)
class BaselineGates:
    """Limits of what changed against the baseline; null: no such gate. 1 point is a hundredth of mAP or IoU."""

    max_map50_loss_points: float | None = _points(2.0, "Loss of mAP50 of each detection head, at most.")
    max_map50_95_loss_points: float | None = _points(3.0, "Loss of mAP50:95 of each detection head, at most.")
    max_class_map50_loss_points: float | None = _points(10.0, "Loss of mAP50 of any class, at most.")
    max_camera_map50_loss_points: float | None = _points(10.0, "Loss of mAP50 of any camera, at most.")
    max_miou_loss_points: float | None = _points(2.0, "Loss of mean IoU of each mask head, at most.")
    max_count_change: float | None = _share(0.2, "Change of the number of detections, either way, as a share, at most.")
    max_score_change: float | None = _share(0.05, "Change of the mean score of matched objects, either way, at most.")
    min_agreement: float | None = _share(0.9, "Agreement of the detections of both runs, at least.")
    min_box_iou: float | None = _share(0.92, "Mean IoU of the boxes of matched objects, at least.")
    allow_lost_heads: bool = option(
        False,
        description="Whether a head of the baseline may be absent here, or have other labels: it is not compared.",
    )
    max_unpaired_share: float | None = _share(0.01, "Share of the frames with a result in one run only, at most.")


@dataclass(frozen=True, kw_only=True)
class GateOptions:
    """What must hold.

    A gate against the baseline fails where the change is beyond its limit and no noise: the whole interval of the
    paired bootstrap lies beyond no change (losses, changes) or below the limit (agreement, box IoU). On a drive too
    short for an interval every change counts as it is.
    """

    name: str = option("", description="Name of the gates, for reports.")
    missing: MissingPolicy = option(
        MissingPolicy.NOT_APPLICABLE, description="What becomes of a gate whose figures the run does not have."
    )
    absolute: AbsoluteGates = option(AbsoluteGates(), description="Limits of the run's own figures.")
    against_baseline: BaselineGates = option(
        BaselineGates(), description="Limits of what changed; they apply where a baseline is given."
    )
    bootstrap: BootstrapOptions = option(BootstrapOptions(), description="How intervals are made.")


def load_gates(path: Path | None = None) -> GateOptions:
    """Read gates from YAML; the file's name is theirs where it gives none.

    Args:
        path: The file. Default: config/gates/default.yaml of the package.

    Raises:
        ConfigError: The file is absent or not YAML, or a setting is wrong.
        MissingError: The package was installed without its config files.
    """
    path = path or share_file(DEFAULT_GATES)
    data = read_yaml(path)
    if data is None:
        raise ConfigError(str(path), "expected gates, the file is empty", f"start from {DEFAULT_GATES}")
    if isinstance(data, dict) and "name" not in data:
        data = {"name": path.stem, **data}
    return from_mapping(GateOptions, data, where=path.name)
