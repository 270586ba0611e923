"""What to do about outputs whose sizes the file leaves open."""

from __future__ import annotations

from collections.abc import Iterable

from trt_perception.model.tensor_info import TensorInfo


def open_sizes_remedy(outputs: Iterable[TensorInfo]) -> str:
    """The option that gives the sizes of those outputs that leave some open; empty where none does.

    An output without a known rank is not among them: nobody can say how many sizes to give.
    """
    given = [
        f"--shape {output.name}={'x'.join(str(size) if isinstance(size, int) and size > 0 else '?' for size in shape)}"
        for output in outputs
        if output.sizes is None and (shape := output.shape)
    ]
    if not given:
        return ""
    return f"give the sizes that the file leaves open ({' '.join(given)}, a number for every ?) or export static sizes"
