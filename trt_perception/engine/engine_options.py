"""How one engine is built."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from trt_perception.errors import ConfigError
from trt_perception.options.option import option


@dataclass(frozen=True, kw_only=True)
class ShapeProfile:
    """The shapes that an input of open size may have, whole: batch, channels, height, width.

    Raises:
        ConfigError: Not of one rank, a size below 1, or not min <= opt <= max.
    """

    input: str = option(description="Name of the input.")
    min: tuple[int, ...] = option(description="The smallest shape.")
    opt: tuple[int, ...] = option(description="The shape that the engine is tuned for.")
    max: tuple[int, ...] = option(description="The largest shape; the engine's memory is sized for it.")

    def __post_init__(self) -> None:
        shapes = (self.min, self.opt, self.max)
        shown = f"min {list(self.min)}, opt {list(self.opt)}, max {list(self.max)}"
        if len({len(shape) for shape in shapes}) != 1:
            raise ConfigError(f"profile of {self.input}", f"expected three shapes of one rank, got {shown}")
        if any(size < 1 for shape in shapes for size in shape):
            raise ConfigError(f"profile of {self.input}", f"expected sizes of at least 1, got {shown}")
        if any(not low <= best <= high for low, best, high in zip(*shapes, strict=True)):
            raise ConfigError(f"profile of {self.input}", f"expected min <= opt <= max in every size, got {shown}")


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """How one engine is built; what computes in which precision is the precision plan's. Other options, another engine.

    Raises:
        ConfigError: Two profiles of one input.
    """

    workspace_mib: int = option(2048, description="Scratch memory that the builder may use, in MiB.", minimum=1)
    optimization_level: int = option(
        3, description="How long to search for fast kernels; below 2 the engine may be slow.", minimum=0, maximum=5
    )
    max_aux_streams: int = option(
        0,
        description="Streams that an inference may use beside its own; 0 lets it be captured as one graph.",
        minimum=0,
    )
    profiles: tuple[ShapeProfile, ...] = option(
        (), description="One for every input of open size; none where every size is fixed."
    )
    tf32: bool = option(False, description="Let FP32 layers round to TF32, as TensorRT does unless told otherwise.")
    version_compatible: bool = option(False, description="Let later versions of TensorRT load the engine.")
    hardware_compatible: bool = option(False, description="Let every GPU from Ampere on load the engine; slower.")
    strip_plan: bool = option(False, description="Leave the weights out of the plan; it must be refitted to be used.")
    sparsity: bool = option(False, description="Use kernels for 2:4 sparse weights; they must be pruned so.")
    tactic_sources: tuple[str, ...] | None = option(
        None, description="Libraries that kernels may come from; null: all that there are but cuBLAS and cuDNN."
    )
    dla_core: int | None = option(
        None,
        description="Number of the DLA core to use, with the GPU for what it cannot do; API-checked only, never run.",
        minimum=0,
    )
    plugins: tuple[str, ...] = option((), description="Paths of plugin libraries that the model's operators come from.")
    ahead_of_time: str = option(
        "", description="Compute capability to build for without its GPU, e.g. SM89; TensorRT-RTX offers it."
    )
    timing_cache: str = option("", description="File of measured kernel times, which makes the next build shorter.")

    def __post_init__(self) -> None:
        twice = [name for name, count in Counter(profile.input for profile in self.profiles).items() if count > 1]
        if twice:
            raise ConfigError("profiles", f"expected one for every input, got two of {twice[0]!r}", "keep one of them")
