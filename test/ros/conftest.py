"""Every test here that uses ROS runs in a domain of its own."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers.ros_environment import UNWANTED, ros_environment

if TYPE_CHECKING:
    from helpers.ros_probe import RosProbe

# What ROS's message generators import warns of its own deprecations; once they are loaded it does not any more.
with warnings.catch_warnings(), contextlib.suppress(ImportError):
    warnings.simplefilter("ignore")
    import rosidl_generator_py  # noqa: F401


@pytest.fixture(scope="package", autouse=True)
def _ros_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Set the environment for this process and those that the tests start; it is put back afterwards."""
    before = dict(os.environ)
    os.environ.update(ros_environment(Path(tmp_path_factory.mktemp("ros_log"))))
    for name in UNWANTED:
        os.environ.pop(name, None)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def probe(_ros_environment: None) -> Iterator[RosProbe]:
    """A node that sends, listens and asks."""
    from helpers.ros_probe import RosProbe

    with RosProbe() as probe:
        yield probe


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config of a small node."""
    from helpers.node_config import write_node_config

    return write_node_config(Path(tmp_path_factory.mktemp("config")))
