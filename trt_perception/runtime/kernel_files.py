"""The text of a kernel: its .cu file and what that includes."""

from __future__ import annotations

import re
from pathlib import Path

import trt_perception
from trt_perception.errors import MissingError

PACKAGE = Path(trt_perception.__file__).parent
"""Where .cu files are looked for, and what they include."""

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)


def kernel_files(file: str, *, root: Path = PACKAGE) -> dict[str, str]:
    """Texts by name: the file itself first, then every file that it includes in quotes, as the include names it.

    Args:
        file: The .cu file, relative to `root`.
        root: Where it lies. What is included may lie there, too, or in the package.

    Raises:
        MissingError: One of the files is not there, or not readable as UTF-8: the installation is damaged.
    """
    texts: dict[str, str] = {}
    waiting = [file]
    while waiting:
        name = waiting.pop(0)
        if name not in texts:
            texts[name] = _read(name, root)
            waiting += _INCLUDE.findall(texts[name])
    return texts


def _read(name: str, root: Path) -> str:
    path = root / name
    if not path.is_file():
        path = PACKAGE / name
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MissingError(
            f"the kernel file {path} cannot be read ({error})", "install trt_perception again: pip install --force ."
        ) from error
