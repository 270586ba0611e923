"""An EngineProfile as text for a terminal."""

from __future__ import annotations

from trt_perception.engine.engine_profile import EngineProfile
from trt_perception.precision.markdown import markdown_table

_NAME_CHARACTERS = 80


def render_profile(profile: EngineProfile, *, top: int) -> str:
    """Hot spots by region, then the most expensive layers, as Markdown tables. No newline at the end.

    Args:
        profile: The times.
        top: How many layers.
    """
    hottest = profile.hottest(top)
    shown = sum(layer.share for layer in hottest)
    regions = markdown_table(
        ["region", "precision", "layers", "p50 us", "share"],
        [[row.region, row.precision, str(row.layers), _us(row.p50_ms), f"{row.share:.1%}"] for row in profile.regions],
    )
    layers = markdown_table(
        ["layer", "region", "precision", "kind", "p50 us", "p99 us", "share"],
        [
            [
                _shortened(layer.layer),
                layer.region,
                layer.precision,
                layer.kind,
                _us(layer.p50_ms),
                _us(layer.p99_ms),
                f"{layer.share:.1%}",
            ]
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


def _us(milliseconds: float) -> str:
    return f"{milliseconds * 1000.0:.1f}"


def _shortened(name: str) -> str:
    """The end of a long name: what a fused layer computes stands behind its weights."""
    return name if len(name) <= _NAME_CHARACTERS else f"...{name[3 - _NAME_CHARACTERS :]}"
