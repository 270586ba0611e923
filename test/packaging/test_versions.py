"""One version, whoever is asked."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from trt_perception import __version__

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("manifest", ["package.xml", "msg/package.xml"])
def test_package_manifest_has_the_version_of_the_package(manifest: str) -> None:
    assert ElementTree.parse(ROOT / manifest).findtext("version") == __version__


def test_setup_reads_the_version_of_the_package() -> None:
    result = subprocess.run(
        [sys.executable, "setup.py", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert result.stdout.split()[-1] == __version__
