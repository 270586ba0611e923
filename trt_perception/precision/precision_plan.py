"""What precision each part of a network computes in: declared once, written into the graph by the emitters."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from trt_perception.errors import ConfigError
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.option import option
from trt_perception.options.read_yaml import read_yaml


class Precision(str, Enum):
    """What a region computes in."""

    INT8 = "int8"
    FP16 = "fp16"
    FP32 = "fp32"


class Region(str, Enum):
    """The three parts of a network."""

    BACKBONE = "backbone"
    NECK = "neck"
    HEAD = "head"


class RegionSource(str, Enum):
    """Where the regions come from."""

    GRAPH = "graph"
    """The shape of the graph alone."""
    NAMES = "names"
    """Patterns alone; a node that none fits is an error."""
    BOTH = "both"
    """Patterns first, the shape of the graph for the rest."""


class CalibratorMethod(str, Enum):
    """How the range of a tensor follows from its values."""

    ENTROPY = "entropy"
    MAX = "max"
    PERCENTILE = "percentile"


@dataclass(frozen=True, kw_only=True)
class RegionPrecisions:
    """The precision of each region."""

    backbone: Precision = option(Precision.INT8, description="Precision of the backbone.")
    neck: Precision = option(Precision.INT8, description="Precision of the neck.")
    head: Precision = option(Precision.FP16, description="Precision of the heads.")


@dataclass(frozen=True, kw_only=True)
class RegionPatterns:
    """Patterns over node names, by region; the first region with a pattern that fits takes the node."""

    backbone: tuple[str, ...] = option((), description="Patterns of the backbone's nodes.")
    neck: tuple[str, ...] = option((), description="Patterns of the neck's nodes.")
    head: tuple[str, ...] = option((), description="Patterns of the heads' nodes.")

    def of(self, region: Region) -> tuple[str, ...]:
        """The patterns of one region."""
        return {Region.BACKBONE: self.backbone, Region.NECK: self.neck, Region.HEAD: self.head}[region]


@dataclass(frozen=True, kw_only=True)
class CalibratorOptions:
    """How ranges are found."""

    method: CalibratorMethod = option(CalibratorMethod.PERCENTILE, description="How a range follows from the values.")
    percentile: float = option(
        99.999, description="Share of the absolute values inside the range, in percent.", minimum=50.0, maximum=100.0
    )
    entropy_counts_zeros: bool = option(
        False,
        description="Whether entropy counts the values beside zero, as ONNX Runtime's calibrator does. After a ReLU "
        "most values are zero, and a range found with them cuts off most of the others.",
    )


@dataclass(frozen=True, kw_only=True)
class PrecisionPlan:
    """Regions, their precisions, and what is kept out. Another plan means another graph and another engine.

    A pattern is a glob over the whole node name (``neck.*``), or after ``re:`` a regular expression that is searched
    in it (``re:^Conv_4[0-9]$``).

    Raises:
        ConfigError: A pattern that is no regular expression, or regions from names without any pattern.
    """

    name: str = option("", description="Name of the plan, for accounts and engine cards.")
    precisions: RegionPrecisions = option(RegionPrecisions(), description="Precision by region.")
    regions: RegionSource = option(RegionSource.BOTH, description="Where regions come from.")
    patterns: RegionPatterns = option(RegionPatterns(), description="Patterns over node names, by region.")
    keep_fp32: tuple[str, ...] = option((), description="Patterns of nodes that compute in FP32 wherever they lie.")
    keep_fp16: tuple[str, ...] = option((), description="Patterns of nodes of INT8 regions that compute in FP16.")
    keep_first_conv: bool = option(False, description="Keep convolutions that read an input of the model out of INT8.")
    keep_depthwise: bool = option(False, description="Keep depthwise convolutions out of INT8.")
    share_quantizers: bool = option(
        False,
        description="Let floating nodes read what INT8 nodes beside them read through the same quantizer: fewer "
        "copies, a rounding more.",
    )
    calibrator: CalibratorOptions = option(CalibratorOptions(), description="How ranges are found.")

    def __post_init__(self) -> None:
        every = [pattern for region in Region for pattern in self.patterns.of(region)]
        for pattern in (*every, *self.keep_fp32, *self.keep_fp16):
            _check(pattern)
        if self.regions is RegionSource.NAMES and not every:
            raise ConfigError("regions", "expected patterns with 'names', got none", "write patterns, or say 'graph'")

    def precision(self, region: Region) -> Precision:
        """What a region computes in."""
        return Precision(getattr(self.precisions, region.value))


def first_match(name: str, patterns: Sequence[str]) -> str | None:
    """The first pattern that fits the node name; None where none does."""
    return next((pattern for pattern in patterns if _fits(name, pattern)), None)


def load_plan(path: Path) -> PrecisionPlan:
    """Read a plan from YAML; the file's name is the plan's where it gives none.

    Raises:
        ConfigError: The file is absent or not YAML, or a setting is wrong.
    """
    data = read_yaml(path)
    if isinstance(data, dict) and "name" not in data:
        data = {"name": path.stem, **data}
    return from_mapping(PrecisionPlan, data, where=path.name)


def _fits(name: str, pattern: str) -> bool:
    if pattern.startswith("re:"):
        return re.search(pattern[3:], name) is not None
    return fnmatch.fnmatchcase(name, pattern)


def _check(pattern: str) -> None:
    if pattern.startswith("re:"):
        try:
            re.compile(pattern[3:])
        except (re.error, OverflowError, RecursionError) as error:
            raise ConfigError("patterns", f"{pattern!r} is no regular expression: {error}") from error
