"""One input or output as the model announces it: its sizes may still be symbols."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TensorInfo:
    """Name, shape and element type of an input or output.

    Args:
        name: Tensor name.
        shape: Sizes, batch first; a text is a symbolic size, `?` one without even a name. None: no tensor, or of
            unknown rank.
        dtype: Element type as NumPy names it, e.g. `float32`; for what is no tensor, its kind, e.g. `sequence`.
    """

    name: str
    shape: tuple[int | str, ...] | None
    dtype: str

    @property
    def sizes(self) -> tuple[int, ...] | None:
        """The shape where every size is a known number above 0, else None."""
        if self.shape is None:
            return None
        known = tuple(size for size in self.shape if isinstance(size, int) and size > 0)
        return known if len(known) == len(self.shape) else None

    @property
    def is_float(self) -> bool:
        """Whether the elements are floating-point numbers."""
        return "float" in self.dtype

    @property
    def is_integer(self) -> bool:
        """Whether the elements are whole numbers."""
        return self.dtype.startswith(("int", "uint"))

    def __str__(self) -> str:
        shape = "of unknown shape" if self.shape is None else f"[{','.join(map(str, self.shape))}]"
        return f"{self.name!r} {self.dtype} {shape}"
