"""A folder that stands under its name only when it is complete."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from trt_perception.errors import BagError


class PartialFolder:
    """Makes a folder beside its final place and moves it there at the end.

    Until then it lies in ``<name>.partial-<letters>``, which is also what a killed process leaves behind.

    Args:
        target: The final place.
        overwrite: Whether a folder that is there may be replaced, once the new one is complete.
        is_ours: Tells whether an existing folder is of the kind that is written here; others are never replaced.

    Attributes:
        target: The final place.
        folder: Where to write until `commit`; does not exist yet.

    Raises:
        BagError: The target exists and may not be replaced, or its parent cannot be written.
    """

    def __init__(self, target: Path, *, overwrite: bool, is_ours: Callable[[Path], bool]) -> None:
        self.target = target
        self._overwrite = overwrite
        self._is_ours = is_ours
        self._check_target()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._root = Path(tempfile.mkdtemp(prefix=f"{target.name}.partial-", dir=target.parent))
        except OSError as error:
            remedy = "choose a folder that you may write"
            raise BagError(target, f"cannot be made: {error.strerror or error}", remedy) from error
        self.folder = self._root / target.name

    def _check_target(self) -> None:
        if not self.target.exists():
            return
        if not self._overwrite:
            raise BagError(self.target, "exists already", "name another, or allow it to be overwritten")
        if not self.target.is_dir() or not self._is_ours(self.target):
            raise BagError(self.target, "exists and is something else than what would be written", "name another")

    def commit(self) -> None:
        """Moves the folder to its place; what was there before is gone afterwards.

        Raises:
            BagError: It cannot be moved; nothing is left of it, and what was there before is kept.
        """
        replaced = self._root / "replaced"
        try:
            self._check_target()  # again: it may have come into being meanwhile
            if self.target.exists():
                self.target.rename(replaced)
            self.folder.rename(self.target)
        except BaseException as error:
            if replaced.exists():
                replaced.rename(self.target)
            self.discard()
            if isinstance(error, OSError):
                raise BagError(self.target, f"cannot be put in place: {error.strerror or error}") from error
            raise
        shutil.rmtree(self._root, ignore_errors=True)

    def discard(self) -> None:
        """Removes what was written."""
        shutil.rmtree(self._root, ignore_errors=True)
