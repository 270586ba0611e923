"""What every head family says of itself, so that recognition, checks and error texts need no special cases."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar

from trt_perception.model.exporter_facts import ExporterFacts
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.onnx_model import OnnxModel
from trt_perception.model.preprocess_options import PreprocessOptions
from trt_perception.model.tensor_info import TensorInfo


class Certainty(IntEnum):
    """How sure a claim is; the surest claim on an output wins."""

    POSSIBLE = 0
    """The shape allows it and nothing speaks for it: the user has to say so."""
    SHAPE = 1
    """The shape alone, where that is all such models have."""
    GRAPH = 2
    """The operators before the output are those of the family."""
    METADATA = 3
    """The exporter wrote it into the file."""
    STATED = 4
    """The user said so."""


class LayoutMismatch(Exception):  # noqa: N818  not an error of the program: it becomes a ModelError or no claim
    """Outputs do not have the layout of a family.

    Args:
        expected: Shape and type that the family has.
        got: What is there.
    """

    def __init__(self, expected: str, got: str) -> None:
        self.expected = expected
        self.got = got
        super().__init__(f"expected {expected}, got {got}")


@dataclass(frozen=True, kw_only=True)
class HeadLayout:
    """What a family reads from the shapes of its outputs.

    Args:
        classes: Number of classes; None where the shapes do not tell (class ids).
        words: The arithmetic for people, e.g. `4 + 80 classes over 8400 cells = 80x80 + 40x40 + 20x20`.
        strides: Network pixels a cell, finest first; empty where the family has no cells.
    """

    classes: int | None
    words: str
    strides: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What families judge by.

    Args:
        model: The ONNX, with static shapes.
        exporter: What the exporter wrote.
        width: Network width, px.
        height: Network height, px.
    """

    model: OnnxModel
    exporter: ExporterFacts
    width: int
    height: int

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """The model's outputs."""
        return self.model.outputs


@dataclass(frozen=True, kw_only=True)
class PreprocessDefault:
    """How models of a family usually see images.

    Args:
        options: The options.
        because: Whose convention it is, for the assumption that is reported.
        rank: Where heads of one model differ, the highest wins.
    """

    options: PreprocessOptions = field(default_factory=PreprocessOptions)
    because: str
    rank: int


@dataclass(frozen=True, kw_only=True)
class HeadClaim:
    """One family says: these outputs are mine.

    Args:
        kinds: What they can be; more than one: the family cannot tell, and the user has to.
        outputs: Names, in the family's order.
        certainty: How sure.
        layout: What the shapes say.
        reason: What speaks for it, after the layout's words.
        preprocess: How the exporter's models see images, where that is not the family's way. None: the family's.
    """

    kinds: tuple[HeadKind, ...]
    outputs: tuple[str, ...]
    certainty: Certainty
    layout: HeadLayout
    reason: str
    preprocess: PreprocessDefault | None = None


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Outputs that are recognised as something which is not supported.

    Args:
        name: What it is, e.g. `YOLOv5 or YOLOv7 layout`.
        outputs: Names of the outputs.
        certainty: How sure.
        reason: What was seen.
        remedy: What to do instead.
        is_auxiliary: Whether the outputs are merely not read where another head is recognised.
        is_detection: Whether they hold objects, so that only a detection head makes them auxiliary.
    """

    name: str
    outputs: tuple[str, ...]
    certainty: Certainty
    reason: str
    remedy: str
    is_auxiliary: bool = False
    is_detection: bool = False


class HeadFamily(ABC):
    """One family of heads. Another family is another file with a subclass, and a line in `registry`."""

    kinds: ClassVar[tuple[HeadKind, ...]]
    """The `kind` values that the family covers."""
    preprocess: ClassVar[PreprocessDefault]
    """How its models usually see images."""

    @abstractmethod
    def layout(self, kind: HeadKind, outputs: Sequence[TensorInfo], *, width: int, height: int) -> HeadLayout:
        """What the shapes of a head's outputs say.

        Args:
            kind: One of `kinds`.
            outputs: The head's outputs, in the family's order, with static shapes.
            width: Network width, px.
            height: Network height, px.

        Raises:
            LayoutMismatch: The outputs cannot be a head of this family.
        """

    def joined(self, kind: HeadKind, output: TensorInfo, evidence: Evidence) -> Sequence[TensorInfo]:
        """All outputs of the head that one output belongs to, in the family's order. Without an own answer: it alone.

        Args:
            kind: One of `kinds`, as the user stated it.
            output: The output that was named.
            evidence: The model's other outputs.

        Raises:
            LayoutMismatch: The others are not there.
        """
        return (output,)

    def fitting(
        self, evidence: Evidence, kinds: Sequence[HeadKind]
    ) -> Iterator[tuple[TensorInfo, HeadKind, HeadLayout]]:
        """The outputs that can each alone be a head of the family, by their shapes, with what these say.

        Args:
            evidence: The model's outputs.
            kinds: Those of `kinds` to try; of several with one layout, one.
        """
        for output in evidence.outputs:
            for kind in kinds:
                try:
                    layout = self.layout(kind, [output], width=evidence.width, height=evidence.height)
                except LayoutMismatch:
                    continue
                yield output, kind, layout

    @abstractmethod
    def claims(self, evidence: Evidence) -> Iterable[HeadClaim]:
        """The outputs that look like the family's, and what speaks for it."""


def single_output(outputs: Sequence[TensorInfo], expected: str) -> tuple[TensorInfo, tuple[int, ...]]:
    """The only output and its static shape.

    Raises:
        LayoutMismatch: There are several, or a size is open.
    """
    if len(outputs) != 1:
        raise LayoutMismatch(f"one output, {expected}", f"{len(outputs)} outputs")
    sizes = outputs[0].sizes
    if sizes is None:
        raise LayoutMismatch(expected, str(outputs[0]))
    return outputs[0], sizes
