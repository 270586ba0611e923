"""An EngineProfile as text for a terminal."""

from __future__ import annotations

from trt_perception.cli.table import render_table
from trt_perception.engine.engine_profile import EngineProfile

_NAME_CHARACTERS = 80


def profile_text(profile: EngineProfile, *, top: int) -> str:
    """Hot spots by region, then the most expensive layers. No newline at the end.

    Args:
        profile: The times.
        top: How many layers.
    """
    hottest = profile.hottest(top)
    shown = sum(layer.share for layer in hottest)
    regions = render_table(
        ["region", "precision", "layers", "p50 us", "share %"],
        [(row.region, row.precision, row.layers, row.p50_ms * 1000.0, row.share * 100.0) for row in profile.regions],
    )
    layers = render_table(
        ["p50 us", "p99 us", "share %", "region", "precision", "kind", "layer"],
        [
            (
                layer.p50_ms * 1000.0,
                layer.p99_ms * 1000.0,
                layer.share * 100.0,
                layer.region,
                layer.precision,
                layer.kind,
                _shortened(layer.layer),
            )
            for layer in hottest
        ],
    )
    return "\n\n".join(
        [
            f"{len(profile.layers)} layers over {profile.runs} runs: p50 {profile.p50_ms:.3f} ms, "
            f"p99 {profile.p99_ms:.3f} ms in sum, each layer timed by itself",
            regions,
            f"the {len(hottest)} most expensive layers, {shown:.1%} of the time",
            layers,
        ]
    )


def _shortened(name: str) -> str:
    """The end of a long name: what a fused layer computes stands behind its weights."""
    return name if len(name) <= _NAME_CHARACTERS else f"...{name[3 - _NAME_CHARACTERS :]}"
