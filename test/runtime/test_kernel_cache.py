"""Compiled kernels on the disk: kept, and trusted only where they are whole and nobody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trt_perception.runtime.kernel_cache import RECENT_S, KernelCache, default_folder

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


class TestSize:
    """What was not used for longest goes, once there is too much."""

    SIZE = 56 + len(CODE)
    LONG_AGO = RECENT_S + 60.0

    @pytest.fixture
    def small(self, tmp_path: Path) -> KernelCache:
        """Takes four kernels."""
        return KernelCache(tmp_path / "small", max_bytes=4 * self.SIZE)

    def age(self, cache: KernelCache, seconds: float) -> None:
        """Let all that is there have been used so much earlier than it was."""
        for path in cache.folder.iterdir():
            found = path.stat()
            os.utime(path, (found.st_atime - seconds, found.st_mtime - seconds))

    def fill(self, cache: KernelCache, *keys: str) -> None:
        """Kernels that were used one after the other, long ago."""
        for key in keys:
            cache.store(key, CODE)
            self.age(cache, 10.0)
        self.age(cache, self.LONG_AGO)

    def kept(self, cache: KernelCache) -> set[str]:
        return {path.name.removesuffix(".cubin") for path in cache.folder.iterdir()}

    def test_the_oldest_go_first(self, small: KernelCache) -> None:
        self.fill(small, *"abcd")
        assert self.kept(small) == set("abcd")
        small.store("e", CODE)
        assert self.kept(small) == set("bcde")
        assert small.load("a") is None

    def test_what_is_loaded_is_used(self, small: KernelCache) -> None:
        self.fill(small, *"abcd")
        assert KernelCache(small.folder).load("a") == CODE
        small.store("e", CODE)
        small.store("f", CODE)
        assert self.kept(small) == set("adef")

    def test_what_is_in_use_stays_whatever_its_size(self, small: KernelCache) -> None:
        for key in "abcdefgh":  # a node that starts with more kernels than fit
            small.store(key, CODE)
        assert self.kept(small) == set("abcdefgh")
        self.age(small, self.LONG_AGO)
        small.store("i", CODE)
        assert len(self.kept(small)) == 4

    def test_what_a_killed_process_left_goes_and_what_is_not_ours_stays(self, small: KernelCache) -> None:
        self.fill(small, "a")
        (small.folder / ".b.cubin.123.tmp").write_bytes(b"half")
        (small.folder / "notes.txt").write_bytes(bytes(10 * self.SIZE))
        self.age(small, self.LONG_AGO)
        (small.folder / ".c.cubin.124.tmp").write_bytes(b"being written")
        small.store("d", CODE)
        assert {path.name for path in small.folder.iterdir()} == {"a.cubin", "d.cubin", ".c.cubin.124.tmp", "notes.txt"}

    def test_a_reader_of_a_kernel_that_goes_has_all_of_it(self, small: KernelCache) -> None:
        self.fill(small, *"abcd")
        with (small.folder / "a.cubin").open("rb") as reader:
            small.store("e", CODE)
            assert "a" not in self.kept(small)
            assert reader.read().endswith(CODE)

    def test_processes_that_store_at_once_do_not_disturb_each_other(self, tmp_path: Path) -> None:
        folder = tmp_path / "shared"
        code = (
            "import sys; from pathlib import Path; from trt_perception.runtime import kernel_cache as m\n"
            f"cache = m.KernelCache(Path(sys.argv[1]), max_bytes={3 * self.SIZE})\n"
            "m.RECENT_S, data = -9, bytes(range(256)) * 20\n"
            "for n in range(60):\n"
            "    key = f'{sys.argv[2]}{n}'\n"
            "    cache.store(key, data)\n"
            "    assert cache.load(key) in (data, None)"
        )
        root = Path(__file__).parents[2]
        runs = [subprocess.Popen([sys.executable, "-c", code, str(folder), name], cwd=root) for name in ("a", "b", "c")]
        assert [run.wait(60) for run in runs] == [0, 0, 0]
        names = [path.name for path in folder.iterdir()]
        assert 1 <= len(names) <= 5
        assert all(name.endswith(".cubin") for name in names)
