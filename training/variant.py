"""The two networks that are trained."""

from __future__ import annotations

from training.network.network_options import NetworkOptions

VARIANTS = ("rgb", "rgb_ir")


def network_options(variant: str) -> NetworkOptions:
    """``rgb``: one camera picture; ``rgb_ir``: with the thermal picture of the same instant.

    Raises:
        ValueError: Another name.
    """
    if variant == "rgb":
        return NetworkOptions()
    if variant == "rgb_ir":
        return NetworkOptions(thermal_widths=(8, 16, 32, 48, 64))
    raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, got {variant!r}")
