"""The include folders that the ROS wheels export become those of this machine."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from tools.set_up.ros_prefix import mend_cmake_files


@pytest.mark.parametrize("tag", ["cp310-cp310", "cp311-cp311", "cp313-cp313t"])
@pytest.mark.parametrize("core", ["_core", "core"])
def test_include_folders_are_replaced(tmp_path: Path, tag: str, core: str) -> None:
    version = f"python3.{tag[3:5]}"
    place = f"/opt/python/{tag}"
    export = tmp_path / "share/std_msgs/cmake/export.cmake"
    export.parent.mkdir(parents=True)
    export.write_text(
        f'INCLUDES "{place}/include/{version};{place}/lib/{version}/site-packages/numpy/{core}/include"\nset(kept 1)\n'
    )

    mend_cmake_files(tmp_path, Path(sys.executable))

    expected = f'INCLUDES "{sysconfig.get_path("include")};{np.get_include()}"\nset(kept 1)\n'
    assert export.read_text() == expected


def test_files_without_them_are_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "share/a.cmake"
    path.parent.mkdir()
    path.write_text("set(a 1)\n")
    path.chmod(0o444)
    before = path.stat().st_mtime_ns

    mend_cmake_files(tmp_path, Path(sys.executable))

    assert path.stat().st_mtime_ns == before
