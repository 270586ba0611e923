"""One builder at a time, with real processes: who waits says so, and a killed holder holds nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from trt_perception.engine.engine_lock import engine_lock
from trt_perception.errors import EngineError

HOLDER = """
import sys
from pathlib import Path
from trt_perception.engine.engine_lock import engine_lock
with engine_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""

BUILDER = """
import sys, time
from pathlib import Path
from trt_perception.engine.engine_lock import engine_lock
engine, builds = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
with engine_lock(engine, waiting=lambda text: print(text, flush=True)):
    if not engine.exists():
        time.sleep(0.3)
        with builds.open("a") as file:
            file.write("built\\n")
        engine.write_bytes(b"plan")
"""


@contextmanager
def started(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A Python process whose first line has come; it is ended in any case."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_the_second_waits_says_so_once_and_gets_the_lock(tmp_path: Path) -> None:
    engine, said = tmp_path / "front.engine", []
    with started(HOLDER, engine) as holder:
        assert holder.stdin is not None
        release = threading.Timer(0.3, holder.stdin.close)
        release.start()
        with engine_lock(engine, waiting=said.append):
            assert holder.wait() == 0  # it ended before this one got the lock
        release.join()
    [text] = said
    assert f"{engine}: waiting for process {holder.pid} on " in text


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    engine, said = tmp_path / "front.engine", []
    with started(HOLDER, engine) as holder:
        holder.send_signal(signal.SIGKILL)
        assert holder.wait() == -signal.SIGKILL
    with engine_lock(engine, waiting=said.append):
        pass
    assert said == []


def test_two_builders_at_once_build_once(tmp_path: Path) -> None:
    engine, builds = tmp_path / "front.engine", tmp_path / "builds"
    with started(BUILDER, engine, builds) as first, started(BUILDER, engine, builds) as second:
        for process in (first, second):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate()[0] for process in (first, second)]
    assert builds.read_text() == "built\n"
    assert sorted(map(bool, said)) == [False, True], said  # one of them waited


def test_threads_exclude_each_other(tmp_path: Path) -> None:
    engine, waited, got = tmp_path / "front.engine", threading.Event(), threading.Event()

    def second() -> None:
        with engine_lock(engine, waiting=lambda _: waited.set()):
            got.set()

    thread = threading.Thread(target=second)
    with engine_lock(engine):
        thread.start()
        assert waited.wait(30)
        assert not got.is_set()
    thread.join()
    assert got.is_set()


def test_an_error_inside_releases_it(tmp_path: Path) -> None:
    engine, said = tmp_path / "front.engine", []
    with pytest.raises(RuntimeError, match="build failed"), engine_lock(engine):
        raise RuntimeError("build failed")
    with engine_lock(engine, waiting=said.append):
        pass
    assert said == []


def test_ctrl_c_ends_the_waiting(tmp_path: Path) -> None:
    waiter = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + BUILDER.replace(
        'print("ready", flush=True)\nsys.stdin.readline()\n', ""
    )
    engine = tmp_path / "front.engine"
    with engine_lock(engine), started(waiter, engine, tmp_path / "builds") as process:
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert not (tmp_path / "builds").exists()
    assert process.returncode != 0


def test_a_folder_that_is_absent_is_named(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "front.engine"
    with pytest.raises(EngineError, match=r"cannot open front\.engine\.lock: No such file"), engine_lock(path):
        pass


def test_a_stranger_in_the_lock_file_is_no_obstacle(tmp_path: Path) -> None:
    engine, said = tmp_path / "front.engine", []
    with started(HOLDER, engine) as holder:
        (tmp_path / "front.engine.lock").write_bytes(b"\x1b[31m\xff")
        threading.Timer(0.3, holder.kill).start()
        with engine_lock(engine, waiting=said.append):
            pass
    assert said == [f"{engine}: waiting for another process, which builds it"]
