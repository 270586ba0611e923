"""Compiled kernels on the disk: kept, and trusted only where they are whole and nobody else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trt_perception.runtime.kernel_cache import KernelCache, default_folder

CODE = bytes(range(256)) * 20


@pytest.fixture
def cache(tmp_path: Path) -> KernelCache:
    made = KernelCache(tmp_path / "deep" / "kernels")
    made.store("key", CODE)
    return made


def only_file(cache: KernelCache) -> Path:
    (path,) = cache.folder.iterdir()
    return path


def test_what_is_stored_is_loaded_by_its_key_only(cache: KernelCache) -> None:
    assert cache.load("key") == CODE
    assert cache.load("other") is None
    assert cache.folder.stat().st_mode & 0o077 == 0


DAMAGE = {
    "empty": lambda content: b"",
    "cut_off": lambda content: content[:-1],
    "longer": lambda content: content + b"x",
    "a_bit": lambda content: content[:500] + bytes([content[500] ^ 1]) + content[501:],
    "digest": lambda content: content[:30] + bytes([content[30] ^ 1]) + content[31:],
    "another_format": lambda content: content.replace(b"kernel 1", b"kernel 2"),
    "head_alone": lambda content: content[:56],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_counts_as_absent_and_is_replaced(cache: KernelCache, damage: object) -> None:
    path = only_file(cache)
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    assert cache.load("key") is None
    cache.store("key", CODE)
    assert cache.load("key") == CODE


@pytest.mark.parametrize("mode", [0o666, 0o664])
def test_a_file_that_others_may_write_counts_as_absent(cache: KernelCache, mode: int) -> None:
    only_file(cache).chmod(mode)
    assert cache.load("key") is None


def test_where_nothing_can_be_kept_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = KernelCache(tmp_path / "file" / "kernels")
    cache.store("key", CODE)
    assert cache.load("key") is None


def test_the_default_lies_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert KernelCache().folder == default_folder() == tmp_path / "trt_perception" / "kernels"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == Path(os.path.expanduser("~")) / ".cache" / "trt_perception" / "kernels"  # noqa: PTH111
