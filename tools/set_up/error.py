"""The errors of set-up."""

from __future__ import annotations


class SetUpError(Exception):
    """A step failed. The text says what failed and what to do."""

    exit_code = 1


class MissingPrerequisiteError(SetUpError):
    """Something that set-up cannot install itself is missing. The text names the command that installs it."""

    exit_code = 3
