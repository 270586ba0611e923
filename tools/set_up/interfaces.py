"""The interface packages: built with colcon into the virtual environment, found there without sourcing anything."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tools.set_up.distribution import Distribution
from tools.set_up.layout import Layout
from tools.set_up.process import run_logged

VISION_MSGS = "vision_msgs"
OWN_MSGS = "trt_perception_msgs"
FOLDERS = {VISION_MSGS: "interfaces/vision_msgs", OWN_MSGS: "msg"}


def interface_inputs(root: Path) -> list[Path]:
    """The files that decide what is built."""
    return [path for folder in FOLDERS.values() for path in (root / folder).rglob("*") if path.is_file()]


def packages_to_build(distribution: Distribution | None) -> list[str]:
    """The packages that the distribution does not provide."""
    return [name for name in FOLDERS if distribution is None or not distribution.provides(name)]


def build_interfaces(layout: Layout, packages: list[str], *, distribution: Distribution | None) -> None:
    """Build interface packages and install them into the virtual environment's prefix."""
    build = layout.scratch / "interfaces"
    shutil.rmtree(build, ignore_errors=True)
    for name in FOLDERS:
        _remove_installed(layout.venv, name)
    if not packages:
        return
    prefixes = os.pathsep.join([str(layout.venv), *(distribution.prefixes if distribution else ())])
    # A jobserver of the make that called set-up is not for the one that colcon calls.
    inherited = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS")}
    env = {
        **inherited,
        "PATH": f"{layout.venv / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "AMENT_PREFIX_PATH": prefixes,
        "CMAKE_PREFIX_PATH": prefixes,
        "COLCON_HOME": str(layout.cache / "colcon"),
    }
    site_packages = next(layout.venv.glob("lib/python3.*/site-packages")).relative_to(layout.venv)
    command = ["colcon", "--log-base", str(layout.scratch / "colcon"), "build"]
    command += ["--base-paths", *(FOLDERS[name] for name in packages)]
    command += ["--build-base", str(build), "--install-base", str(layout.venv), "--merge-install"]
    command += ["--event-handlers", "console_cohesion+", "--cmake-args", "-DBUILD_TESTING=OFF"]
    command += [f"-DPython3_EXECUTABLE={layout.python}", f"-DPYTHON_INSTALL_DIR={site_packages}"]
    run_logged(command, log=layout.scratch / "interfaces.log", cwd=layout.root, env=env)


def _remove_installed(prefix: Path, name: str) -> None:
    """Remove what an earlier build installed, so that a message that is gone is gone."""
    for pattern in (
        f"share/{name}",
        f"share/ament_index/resource_index/*/{name}",
        f"share/colcon-core/packages/{name}",
        f"include/{name}",
        f"lib/lib{name}__*",
        f"lib/python3.*/site-packages/{name}",
        f"lib/python3.*/site-packages/{name}-*.egg-info",
    ):
        for path in prefix.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
