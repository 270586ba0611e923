"""Everything that set-up installs is pinned, what it depends on included."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

from tools.set_up.distribution import sourced_distribution
from tools.set_up.layout import Layout
from tools.set_up.packages import project_name, read_pins, requirements

ROOT = Path(__file__).parents[2]
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]

pytestmark = pytest.mark.skipif(
    sourced_distribution(os.environ, ROOT) is not None, reason="a sourced ROS distribution decides about versions"
)


def pins(row: str, python_version: str) -> dict[str, str]:
    """Version by project name, for one Python."""
    lines = read_pins(Layout(root=ROOT, row=row, venv=ROOT / ".venv"))
    wanted = [Requirement(line) for line in lines]
    applying = [pin for pin in wanted if pin.marker is None or pin.marker.evaluate({"python_version": python_version})]
    return {project_name(pin.name): str(pin.specifier).removeprefix("==") for pin in applying}


def wanted_names() -> set[str]:
    """The projects that set-up asks pip for on this machine."""
    wanted = [Requirement(line) for line in requirements(ROOT, distribution=None, provided=set())]
    return {project_name(item.name) for item in wanted if item.marker is None or item.marker.evaluate()}


def closure(names: set[str]) -> set[str]:
    """The projects and everything that they need, as installed here."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for line in importlib.metadata.requires(name) or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(project_name(needed.name))
    return found


@pytest.mark.parametrize("python_version", PYTHONS)
@pytest.mark.parametrize("row", ["default", "numpy1"])
def test_every_requirement_is_pinned_once(row: str, python_version: str) -> None:
    assert wanted_names() <= pins(row, python_version).keys()


def test_every_dependency_is_pinned_at_the_installed_version() -> None:
    row = "numpy1" if np.__version__.startswith("1.") else "default"
    expected = pins(row, f"{sys.version_info[0]}.{sys.version_info[1]}")

    installed = {name: importlib.metadata.version(name) for name in closure(wanted_names())}

    assert installed == {name: expected.get(name) for name in installed}


def test_rows_are_numpy_2_with_opencv_5_and_numpy_1_with_opencv_4() -> None:
    default, numpy1 = pins("default", "3.12"), pins("numpy1", "3.12")

    assert (default["numpy"][0], default["opencv-python-headless"][0]) == ("2", "5")
    assert (numpy1["numpy"][0], numpy1["opencv-python-headless"][0]) == ("1", "4")
