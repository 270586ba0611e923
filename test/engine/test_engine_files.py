"""Writing an engine: whole or not at all, whatever ends the writer."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.engine_pair import GPU, PLAN, TENSORRT, EnginePair, make_pair

from trt_perception.engine.engine_files import EngineFiles, relative_path, write_engine, write_manifest
from trt_perception.engine.load_engine_file import load_engine_file
from trt_perception.engine.signature import make_key_pair, sign_engine
from trt_perception.errors import EngineError

NEW_PLAN = b"new" * 100_000

# Writes another plan over an engine; with a number, the process kills itself before the rename of that number.
WRITER = """
import os, resource, signal, sys
from pathlib import Path
from helpers.engine_pair import make_pair
folder, stop, limit = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
replace, count = Path.replace, 0
def counted(self, target):
    global count
    if str(target).startswith(str(folder / "tiny.engine")):
        count += 1
        if count == stop:
            os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
Path.replace = counted
make_pair(folder, plan=b"new" * 100_000)
"""


@pytest.fixture
def pair(tmp_path: Path) -> EnginePair:
    return make_pair(tmp_path)


def write_elsewhere(folder: Path, *, stop: int, limit: int = 10**9) -> subprocess.CompletedProcess[str]:
    """Write a new engine in a process of its own, which may be killed or not allowed to write that much."""

    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    return subprocess.run(
        [sys.executable, "-c", WRITER, str(folder), str(stop), str(limit)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def load(folder: Path) -> bytes:
    return load_engine_file(folder / "tiny.engine", tensorrt=TENSORRT, gpu=GPU).plan


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def test_a_new_engine_replaces_the_old_one(pair: EnginePair) -> None:
    make_pair(pair.engine.parent, plan=NEW_PLAN)
    assert load(pair.engine.parent) == NEW_PLAN
    assert pair.files.card.read_text() == "# card\n"
    assert leftovers(pair.engine.parent) == []


@pytest.mark.parametrize(
    ("stop", "left"),
    [
        pytest.param(1, PLAN, id="before_the_plan"),
        pytest.param(2, None, id="between_plan_and_card"),
        pytest.param(3, None, id="between_card_and_manifest"),
        pytest.param(4, NEW_PLAN, id="after_the_manifest"),
    ],
)
def test_a_killed_writer_leaves_an_engine_that_is_whole_or_refused(
    pair: EnginePair, stop: int, left: bytes | None
) -> None:
    folder = pair.engine.parent
    done = write_elsewhere(folder, stop=stop)
    assert done.returncode == (0 if stop == 4 else -signal.SIGKILL), done.stderr
    if left is None:
        with pytest.raises(EngineError, match=r"size: expected 4096 bytes, got 300000 bytes; run: trt-p"):
            load(folder)
    else:
        assert load(folder) == left
    make_pair(folder, plan=NEW_PLAN)  # the next writer is not disturbed, and clears away what is left
    assert load(folder) == NEW_PLAN
    assert leftovers(folder) == []


def test_no_room_for_the_plan_leaves_the_old_engine(pair: EnginePair) -> None:
    done = write_elsewhere(pair.engine.parent, stop=0, limit=200_000)
    assert done.returncode == 1
    assert "cannot be written: File too large; check the folder's permissions and its free space" in done.stderr
    assert load(pair.engine.parent) == PLAN
    assert leftovers(pair.engine.parent) == []


def test_a_full_disk_leaves_the_old_engine(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("no small disk to fill: the mount command is not installed")
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no small disk to fill: mount is not permitted ({mounted.stderr.strip()})")
    try:
        pair = make_pair(disk)
        (disk / "other").write_bytes(bytes(250_000))
        with pytest.raises(EngineError, match="cannot be written: No space left on device"):
            make_pair(disk, plan=NEW_PLAN)
        assert load(disk) == PLAN
        assert leftovers(disk) == []
        assert pair.files.card.is_file()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_manifest_of_another_plan_is_not_written(pair: EnginePair) -> None:
    with pytest.raises(EngineError, match="the manifest is that of another plan"):
        write_engine(pair.engine, NEW_PLAN, pair.manifest, "")
    assert load(pair.engine.parent) == PLAN


@pytest.mark.parametrize("umask", [0o002, 0o000, 0o077])
def test_only_the_owner_may_write_them(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        files = make_pair(tmp_path).files
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (files.engine, files.manifest, files.card)}
    assert modes == {0o644 & ~umask}


@pytest.mark.parametrize("which", ["engine", "manifest"])
def test_what_changes_an_engine_removes_its_signature(pair: EnginePair, tmp_path: Path, which: str) -> None:
    make_key_pair(tmp_path / "key")
    sign_engine(pair.engine, tmp_path / "key")
    if which == "engine":
        write_engine(pair.engine, PLAN, pair.manifest, "# new\n")
    else:
        write_manifest(pair.engine, pair.manifest, "# new\n")
    assert not pair.files.signature.exists()
    assert pair.files.card.read_text() == "# new\n"
    assert load(pair.engine.parent) == PLAN


def test_a_link_in_a_temporary_files_place_is_not_followed(pair: EnginePair, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (pair.engine.parent / ".tiny.engine.tmp").symlink_to(victim)
    write_engine(pair.engine, PLAN, pair.manifest, "")
    assert victim.read_text() == "precious"
    assert not pair.engine.is_symlink()


def test_names_its_files_after_the_engine(tmp_path: Path) -> None:
    files = EngineFiles(tmp_path / "front.engine")
    names = [path.name for path in (files.manifest, files.card, files.signature, files.lock)]
    assert names == [
        "front.engine.json",
        "front.engine.md",
        "front.engine.sig",
        "front.engine.lock",
    ]
    assert relative_path(tmp_path / "models" / "a.onnx", files.engine) == "models/a.onnx"
