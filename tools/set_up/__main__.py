"""`python -m tools.set_up [ROW]`: make one row's environment ready, print the path of its environment file."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.set_up.error import SetUpError
from tools.set_up.layout import DEFAULT_ROW
from tools.set_up.set_up import set_up

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run set-up; 0 when everything stands."""
    row = sys.argv[1] if len(sys.argv) > 1 else DEFAULT_ROW
    _leave_own_environment()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        with _lock(ROOT / ".cache"):
            layout = set_up(ROOT, row, os.environ)
    except SetUpError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nset-up: interrupted; the next run takes up where this one ended", file=sys.stderr)
        return 130
    print(layout.environment_file)
    return 0


def _leave_own_environment() -> None:
    """Go on with the Python that an environment of ours was made with: nothing can replace itself."""
    if Path(sys.prefix).resolve().is_relative_to(ROOT):
        base = str(Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}"))
        os.execv(base, [base, "-m", "tools.set_up", *sys.argv[1:]])


@contextmanager
def _lock(cache: Path) -> Iterator[None]:
    """One set-up at a time in this project; the programs that it starts hold the lock as well."""
    cache.mkdir(exist_ok=True)
    with (cache / "set_up.lock").open("w") as stream:
        os.set_inheritable(stream.fileno(), True)
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("set-up: another one is running here; waiting for it", file=sys.stderr)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
