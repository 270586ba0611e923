"""The shell commands that stand in a page of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

PROGRAMS = (
    *("trt-perception", "ros2", "make", "python", "python3", "pip", "colcon", "rosdep", "yolo", "trtexec", "openssl"),
    *("git", "cd", "export", "source", ".", "sudo", "apt-get", "apt", "docker", "curl", "wget", "cmake", "bash", "sh"),
)
"""What a line of a code block begins with where it is a command."""

_FENCE = re.compile(r"^(`{3,})(\w*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
_SHELLS = ("", "sh", "bash", "shell", "console")
_COMMENT = re.compile(r"\s+# .*$")


def page_commands(page: Path) -> Iterator[str]:
    """Every command of the page's indented and fenced blocks, on one line, comments left out.

    A block whose first line is no command is what a program printed, or another language.
    """
    text = page.read_text("utf-8")
    for _, language, block in _FENCE.findall(text):
        if language in _SHELLS:
            yield from _commands(block.splitlines())
    block_lines: list[str] = []
    for line in [*_FENCE.sub("\n", text).splitlines(), ""]:
        if line.startswith("    "):
            block_lines.append(line[4:])
        elif block_lines:
            yield from _commands(block_lines)
            block_lines = []


def inline_commands(page: Path) -> Iterator[str]:
    """Every `trt-perception VERB ...` that stands inside of a sentence or a table."""
    outside = _FENCE.sub("", page.read_text("utf-8"))
    yield from re.findall(r"`(trt-perception [^`\n]+)`", outside)


def _commands(lines: Sequence[str]) -> Iterator[str]:
    if not _is_command(lines[0]):
        return
    joined = ""
    for line in lines:
        joined += _COMMENT.sub("", line).strip()
        if joined.endswith("\\"):
            joined = joined[:-1]
            continue
        if _is_command(joined):
            yield joined
        joined = ""


def _is_command(line: str) -> bool:
    program, _, rest = line.strip().partition(" ")
    return program in PROGRAMS and not rest.partition(" ")[0].endswith(":")  # as an error of ours begins
