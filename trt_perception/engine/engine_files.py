"""The files of one engine: where they lie, and how they are written so that a reader never loads half of a pair."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trt_perception.errors import EngineError
from trt_perception.model.paths import absolute
from trt_perception.options.write_atomically import flush_folder

if TYPE_CHECKING:
    from trt_perception.engine.manifest import Manifest


@dataclass(frozen=True)
class EngineFiles:
    """Where the files of one engine lie: beside the plan, named after it.

    Args:
        engine: The plan, e.g. `front.engine`, as TensorRT and trtexec know it; made absolute.
    """

    engine: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "engine", absolute(self.engine))

    @property
    def manifest(self) -> Path:
        """What the plan is: `front.engine.json`."""
        return self._beside(".json")

    @property
    def card(self) -> Path:
        """The same for people: `front.engine.md`."""
        return self._beside(".md")

    @property
    def signature(self) -> Path:
        """The signature of plan and manifest, where they were signed: `front.engine.sig`."""
        return self._beside(".sig")

    @property
    def lock(self) -> Path:
        """What a builder holds while it works; stays there: `front.engine.lock`."""
        return self._beside(".lock")

    def _beside(self, suffix: str) -> Path:
        return self.engine.with_name(self.engine.name + suffix)


def relative_path(path: Path, engine: Path) -> str:
    """A path as manifests hold it: relative to the engine's folder."""
    return os.path.relpath(absolute(path), EngineFiles(engine).engine.parent)


def write_engine(engine: Path, plan: bytes, manifest: Manifest, card: str) -> None:
    """Replace the files of an engine by new ones; call it while `engine_lock` is held.

    All of them are written under temporary names and flushed to the disk before the first is renamed, so a full disk
    leaves the old engine as it was. The manifest is renamed last: whatever ends the process between two renames, the
    old manifest stands beside the new plan, whose hash it does not have, and `load_engine_file` refuses the pair. An
    old signature is removed: it would be wrong.

    Args:
        engine: The plan's place.
        plan: What TensorRT made.
        manifest: What it is.
        card: The same as Markdown.

    Raises:
        EngineError: The manifest is not that of the plan, or the files cannot be written.
    """
    if manifest.plan_bytes != len(plan) or manifest.plan_sha256 != hashlib.sha256(plan).hexdigest():
        raise EngineError(engine, "the manifest is that of another plan", "make the manifest from these bytes")
    files = EngineFiles(engine)
    _replace_together(files, {files.engine: plan, files.card: card.encode(), files.manifest: manifest.to_json()})


def write_manifest(engine: Path, manifest: Manifest, card: str) -> None:
    """Replace manifest and card of an engine whose plan stays; call it while `engine_lock` is held.

    A signature is removed, since it covers the manifest: sign again.

    Raises:
        EngineError: The files cannot be written.
    """
    files = EngineFiles(engine)
    _replace_together(files, {files.card: card.encode(), files.manifest: manifest.to_json()})


def _replace_together(files: EngineFiles, contents: Mapping[Path, bytes]) -> None:
    """Write every file under a temporary name, then rename them in order, the manifest last."""
    temporaries = {path: path.with_name(f".{path.name}.tmp") for path in contents}  # the lock's holder is the only one
    try:
        for path, temporary in temporaries.items():
            _write_new(temporary, contents[path])
        files.signature.unlink(missing_ok=True)
        for path, temporary in temporaries.items():
            temporary.replace(path)
    except OSError as error:
        size_mib = sum(map(len, contents.values())) / 2**20
        raise EngineError(
            files.engine,
            f"cannot be written: {error.strerror or error}",
            f"check the folder's permissions and its free space: {size_mib:.0f} MiB are needed beside the old files",
        ) from error
    finally:
        for temporary in temporaries.values():
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    flush_folder(files.engine.parent)


def _write_new(path: Path, data: bytes) -> None:
    """Write a file that only its owner may change, and flush it to the disk.

    What a killed writer left, or somebody put there as a link, is removed first.
    """
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
