"""Kernel times that one build measured, kept in a file for the next."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from trt_perception.engine.build_messages import BuildMessages
from trt_perception.options.write_atomically import write_atomically

_REFUSALS = ("timing cache will not be used", "Failed to deserialize timing cache")


class TimingCache:
    """The timing cache of one build. Whatever is wrong with the file is a message: a build without it is only slower.

    Args:
        path: The file; need not exist. Empty: no cache.
        messages: Of the build; TensorRT says there that it does not take a cache.
    """

    def __init__(self, path: str, messages: BuildMessages) -> None:
        self._path = Path(path) if path else None
        self._messages = messages
        self._outcome = "none"

    def attach(self, config: Any) -> None:
        """Give a builder config what the file holds, or an empty cache."""
        if self._path is None:
            return
        data = self._read(self._path)
        taken = data is not None and self._give(config, data)
        if data == b"":
            self._outcome = "made"
        elif taken and not self._refused():
            self._outcome = "accepted"
        else:
            self._outcome = "refused"
            if data:
                self._warn("TensorRT does not take it: of another GPU or version, or damaged; it is made anew")
            self._give(config, b"")

    def finish(self, config: Any) -> str:
        """Write what the build has measured, after it went well.

        Returns:
            `none`, `made`, `accepted` or `refused`, as `BuiltPlan` says it.
        """
        if self._path is None:
            return self._outcome
        if self._outcome == "accepted" and self._refused():
            # Said only while building: the file may be as good as ever for the next process, so it stays.
            self._warn("TensorRT did not use it in this build")
            return "refused"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            cache = config.get_timing_cache()
            data = b"" if cache is None else bytes(cache.serialize())
        if data:
            self._write(self._path, data)
        return self._outcome

    def _give(self, config: Any, data: bytes) -> bool:
        # TensorRT-RTX calls its timing cache deprecated; here it goes the same way as TensorRT's.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            cache = config.create_timing_cache(data)
            return cache is not None and bool(config.set_timing_cache(cache, False))

    def _read(self, path: Path) -> bytes | None:
        """The file's content, nothing where there is no file; None where it cannot be read."""
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            self._warn(f"cannot be read: {error.strerror or error}")
            return None

    def _write(self, path: Path, data: bytes) -> None:
        try:
            write_atomically(path, data)
        except OSError as error:
            self._warn(f"cannot be written: {error.strerror or error}; check folder and free space")

    def _refused(self) -> bool:
        return any(words in text for text in self._messages.texts() for words in _REFUSALS)

    def _warn(self, text: str) -> None:
        self._messages.add("WARNING", f"timing cache {self._path}: {text}")
