"""A precision plan by the name of one that comes with the package, or by its file."""

from __future__ import annotations

from pathlib import Path

from trt_perception.errors import InputError, MissingError
from trt_perception.precision.precision_plan import PrecisionPlan, load_plan
from trt_perception.share_folder import share_file

DEFAULT_PLAN = "int8_backbone_fp16_head"
SHIPPED_PLANS = (DEFAULT_PLAN, "int8", "fp16", "fp32")


def named_plan(name: str, *, where: str = "--plan", folder: Path | None = None) -> PrecisionPlan:
    """A YAML file, or one of those that come with the package.

    Args:
        name: int8_backbone_fp16_head, int8, fp16, fp32, or the path of a YAML.
        where: Argument or setting that gives the name, put before an error.
        folder: What a relative path is counted from. None: the working directory.

    Raises:
        InputError: There is no such plan, or the file is not one.
    """
    if name.endswith((".yaml", ".yml")):
        return load_plan((folder or Path()) / Path(name).expanduser())
    try:
        path = share_file(f"config/precision/{name}.yaml")
    except MissingError:
        raise InputError(
            f"{where}: expected a YAML, int8_backbone_fp16_head, int8, fp16 or fp32, got {name!r}"
        ) from None
    return load_plan(path)
