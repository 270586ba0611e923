"""How images are prepared for a model that does not say so itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from trt_perception.model.families.head_family import Certainty, HeadClaim, PreprocessDefault
from trt_perception.model.families.registry import family_of
from trt_perception.model.image_inputs import ImageInput
from trt_perception.model.model_spec import InputSpec, TensorType
from trt_perception.model.preprocess_options import ChannelOrder, PreprocessOptions, Resize
from trt_perception.model.problem import Problem
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.json_schema import to_plain


def usual_preprocess(claims: Sequence[HeadClaim]) -> tuple[PreprocessDefault, bool]:
    """What models with these heads usually take, and whether the exporter's metadata vouches for it."""
    first = max(claims, key=lambda claim: _default(claim).rank)
    return _default(first), first.certainty is Certainty.METADATA


def preprocess_conflict(claims: Sequence[HeadClaim], given: Mapping[str, object]) -> Problem | None:
    """Why one image cannot serve all heads: two families, equally sure, that see images differently."""
    usual, _ = usual_preprocess(claims)
    rivals = [claim for claim in claims if _default(claim).rank == usual.rank]
    if given or all(_default(claim).options == usual.options for claim in rivals):
        return None
    kinds = ", ".join(claim.kinds[0].value for claim in rivals)
    return Problem(
        text=f"heads {kinds} usually take different images, the model has one",
        remedy="say how it is prepared: --preprocess channel_order=... --preprocess scale=... --preprocess resize=...",
    )


def _default(claim: HeadClaim) -> PreprocessDefault:
    return claim.preprocess or family_of(claim.kinds[0]).preprocess


def input_spec(image: ImageInput, preprocess: PreprocessOptions, given: Mapping[str, object]) -> InputSpec:
    """The input with its preprocessing; fields that the user gave win.

    Raises:
        ConfigError: A given field is unknown or has a wrong value.
    """
    if given:
        preprocess = from_mapping(PreprocessOptions, {**to_plain(preprocess), **given}, where="preprocess")
    return InputSpec(
        name=image.tensor.name,
        shape=image.tensor.sizes or (),
        dtype=TensorType(image.tensor.dtype),
        preprocess=preprocess,
    )


def fitted(options: PreprocessOptions, image: ImageInput) -> PreprocessOptions:
    """The options for this tensor's layout, channels and type: bytes are not normalised, one channel is grey."""
    changes: dict[str, Any] = {"layout": image.layout}
    if image.sizes[1] == 1:
        changes["channel_order"] = ChannelOrder.MONO
    if image.tensor.dtype == "uint8":
        changes.update(scale=1.0, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    return dataclasses.replace(options, **changes)


def preprocess_words(options: PreprocessOptions) -> str:
    """The options in a few words, e.g. `BGR 0 to 255, letterbox_top_left padded with 114`."""
    words = f"{options.channel_order.value.upper()} 0 to {255 * options.scale:g}"
    if (options.mean, options.std) != ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)):
        words += f" less mean {list(options.mean)} by deviation {list(options.std)}"
    padding = "" if options.resize is Resize.STRETCH else f" padded with {options.pad_value}"
    return f"{words}, {options.resize.value}{padding}"
