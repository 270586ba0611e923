"""The package's errors: one base, and one branch for each thing the caller can do about it.

Every text says what was wrong, what was expected, what came, and what to do next. The exit code is what the commands
return for an error of that branch (0 done, 1 a gate did not hold, 2 bad input, 3 something needed is missing).
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar


class PerceptionError(Exception):
    """Base of every error that the package raises on purpose."""

    exit_code: ClassVar[int] = 2


class InputError(PerceptionError):
    """What the user gave cannot be used: a config, a model, a bag, an argument. Mend the input."""


class ConfigError(InputError):
    """A setting is wrong.

    Args:
        where: File and path of the setting, e.g. ``perception.yaml: pipelines[0].score_threshold``.
        problem: What is wrong with it, with expected and got, e.g. ``expected a number from 0 to 1, got 'high'``.
        remedy: What to do next; may be empty where `problem` says it already.
    """

    def __init__(self, where: str, problem: str, remedy: str = "") -> None:
        self.where = where
        super().__init__(f"{where}: {problem}" + (f"; {remedy}" if remedy else ""))


class ModelError(InputError):
    """A model cannot be used as it is: no image input, dynamic shape, ambiguous head, labels that do not fit.

    Args:
        model: Path or name of the model.
        problem: What is wrong, with expected and got.
        remedy: What to do next.
    """

    def __init__(self, model: str, problem: str, remedy: str = "") -> None:
        self.model = model
        super().__init__(f"{model}: {problem}" + (f"; {remedy}" if remedy else ""))


class EngineError(ModelError):
    """An engine cannot be built, read or used here: its files, or what it was built for, do not fit.

    Args:
        engine: The engine file, its manifest, or the graph that it was to be built from.
        problem: What is wrong; with `expected` and `got` the thing that differs, e.g. ``GPU``.
        remedy: The command that mends it.
        expected: What was to be found.
        got: What is there instead.
    """

    def __init__(self, engine: object, problem: str, remedy: str, *, expected: str = "", got: str = "") -> None:
        self.expected, self.got = expected, got
        super().__init__(str(engine), f"{problem}: expected {expected}, got {got}" if expected else problem, remedy)


class BagError(InputError):
    """A bag cannot be read or written: damaged, not finished, no bag at all, in the way, or no space left.

    Args:
        path: The bag, or the file in it.
        problem: What is wrong, with expected and got.
        remedy: What to do next; may be empty where `problem` says it already.
    """

    def __init__(self, path: object, problem: str, remedy: str = "") -> None:
        self.path = str(path)
        super().__init__(f"{path}: {problem}" + (f"; {remedy}" if remedy else ""))


class MissingError(PerceptionError):
    """Something that is needed is not here: a GPU, ROS, a package, a file. Install or make it.

    Args:
        what: What is missing.
        remedy: The command or step that provides it.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, what: str, remedy: str) -> None:
        self.what = what
        super().__init__(f"{what}; {remedy}")


class GateError(PerceptionError):
    """A check that the user asked for did not hold."""

    exit_code: ClassVar[int] = 1


class DeviceError(PerceptionError):
    """The device or the runtime on it failed; the input was not at fault.

    Args:
        problem: What failed, in the runtime's own words, and what to do next.
        is_sticky: Whether every later CUDA call of this process fails, too: only a new process can go on.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, problem: str, *, is_sticky: bool = False) -> None:
        self.is_sticky = is_sticky
        super().__init__(problem)


class DropReason(str, Enum):
    """Why a frame has no result. The values are the words used in diagnostics, logs and ledgers."""

    MALFORMED = "malformed"
    """Not a message of the announced type: truncated, foreign, or with fields that contradict each other."""
    BIG_ENDIAN = "big_endian"
    """Big-endian CDR or big-endian pixels."""
    BAD_SIZE = "bad_size"
    """Width, height or step zero, or beyond the stated limit."""
    SHORT_DATA = "short_data"
    """Fewer bytes than step x height."""
    UNKNOWN_ENCODING = "unknown_encoding"
    """An encoding that cannot be converted here."""
    CORRUPT_IMAGE = "corrupt_image"
    """Compressed data that does not decode."""
    REPLACED = "replaced"
    """A newer frame came before this one was taken: newest wins."""
    DUPLICATE = "duplicate"
    """The stamp of the frame before, again."""
    LATE = "late"
    """A stamp older than the one before it."""
    STALE = "stale"
    """Older than the camera's deadline when its turn came."""
    UNPAIRED = "unpaired"
    """No frame of another camera of its set belongs to it."""
    NO_LISTENER = "no_listener"
    """Nobody subscribes to what the frame would give."""
    DISABLED = "disabled"
    """The camera was switched off by its service."""
    INACTIVE = "inactive"
    """The node is not active."""
    NO_ROOM = "no_room"
    """No shared memory for it, or the node holds every slot of its camera's ring."""
    INFERENCE_FAILED = "inference_failed"
    """The backend failed on this frame."""


class FrameError(PerceptionError):
    """One frame cannot be used. It is counted under `reason`; the next frame is tried as usual.

    Args:
        reason: The counter that this frame falls under.
        problem: What is wrong with it, with expected and got.
    """

    def __init__(self, reason: DropReason, problem: str) -> None:
        self.reason = reason
        super().__init__(f"{reason.value}: {problem}")
