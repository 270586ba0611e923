"""The steps of set-up, in order; each is done once for one state of what it depends on."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.set_up.distribution import Distribution, check_distribution, sourced_distribution
from tools.set_up.environment import write_environment_file
from tools.set_up.error import SetUpError
from tools.set_up.interfaces import build_interfaces, interface_inputs, packages_to_build
from tools.set_up.layout import PYPI, Layout, choose_layout, find_rows, read_venv
from tools.set_up.packages import install_packages, install_project, make_venv, package_inputs, read_pins
from tools.set_up.prerequisites import check_prerequisites
from tools.set_up.progress import Progress
from tools.set_up.stamp import STAMPS, Stamp, digest


def set_up(root: Path, row: str, environment: Mapping[str, str]) -> Layout:
    """Make a row's environment ready.

    Raises:
        SetUpError: Something is missing or a step failed.
    """
    if row not in (rows := find_rows(root)):
        raise SetUpError(f"set-up: no row {row!r}; there are: {', '.join(rows)}")
    distribution = sourced_distribution(environment, root)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    ros = distribution.name if distribution else PYPI
    layout = choose_layout(root, row, python_version=version if environment.get("PYTHON") else None, ros=ros)
    if not layout.python.exists():  # The Python that it was made with is gone: nothing in it is of use.
        shutil.rmtree(layout.venv / STAMPS, ignore_errors=True)
    to_build = packages_to_build(distribution)
    stamps = _stamps(layout, distribution, to_build)
    if not all(stamp.holds() for stamp in stamps):
        check_prerequisites()
        if distribution:
            check_distribution(distribution)
        _do_steps(layout, distribution, to_build, *stamps)
    write_environment_file(layout, distribution=distribution)
    return layout


def _stamps(layout: Layout, distribution: Distribution | None, to_build: list[str]) -> tuple[Stamp, Stamp, Stamp]:
    """The stamps of packages, interface packages and the project itself."""
    # The path counts because commands and CMake files hold it: a project that was moved is set up again.
    origin = [str(layout.venv), *((distribution.name, *distribution.prefixes) if distribution else ())]
    packages = digest(values=origin, files=package_inputs(layout), root=layout.root)
    toolchain = [pin for pin in read_pins(layout) if pin.startswith(("ros-", "numpy"))]
    interfaces = digest(values=[*origin, *toolchain, *to_build], files=interface_inputs(layout.root), root=layout.root)
    project = digest(values=origin, files=[layout.root / "setup.py", layout.root / "setup.cfg"], root=layout.root)
    return (
        Stamp(layout.venv, "packages", packages),
        Stamp(layout.venv, "interfaces", interfaces),
        Stamp(layout.venv, "project", project),
    )


def _do_steps(
    layout: Layout,
    distribution: Distribution | None,
    to_build: list[str],
    packages: Stamp,
    interfaces: Stamp,
    project: Stamp,
) -> None:
    standing = read_venv(layout.venv)
    python = standing.python_version if standing else f"{sys.version_info[0]}.{sys.version_info[1]}"
    ros = f"ROS {distribution.name} as sourced" if distribution else "ROS 2 from PyPI"
    progress = Progress(f"set-up of {layout.venv.name}: Python {python}, {ros}", 4)
    if packages.holds():
        progress.skip(2)
    else:
        with progress.step("virtual environment"):
            make_venv(layout, distribution=distribution)
        with progress.step("packages" if distribution else "packages, ROS 2 among them"):
            install_packages(layout, distribution=distribution)
        packages.write()
    if interfaces.holds():
        progress.skip(1)
    else:
        with progress.step(f"interface packages ({', '.join(to_build) or 'none to build'})"):
            build_interfaces(layout, to_build, distribution=distribution)
        interfaces.write()
    if not project.holds():
        with progress.step("trt_perception, editable"):
            install_project(layout)
        project.write()
