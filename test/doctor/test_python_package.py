"""Finding packages: absent, present, and present but broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from trt_perception.doctor.finding import Level
from trt_perception.doctor.python_package import check_package


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_reads_the_version_of_a_package(site: Path) -> None:
    (site / "doctor_sample_a.py").write_text("__version__ = '3.2.1'\n")
    finding = check_package("doctor_sample_a", remedy="never needed")
    assert (finding.level, finding.detail, finding.remedy) == (Level.OK, "3.2.1", "")


def test_an_absent_package_is_missing_and_says_what_to_do(site: Path) -> None:
    finding = check_package("doctor_sample_absent", remedy="pip install it", needed_for=("ros",))
    assert finding.level is Level.MISSING
    assert finding.remedy == "pip install it"
    assert finding.needed_for == ("ros",)


def test_a_broken_package_is_missing_and_says_why(site: Path) -> None:
    (site / "doctor_sample_b.py").write_text("raise RuntimeError('libfoo.so.3 not found')\n")
    finding = check_package("doctor_sample_b", remedy="reinstall")
    assert finding.level is Level.MISSING
    assert "libfoo.so.3 not found" in finding.detail


def test_a_missing_part_of_a_package_is_missing(site: Path) -> None:
    (site / "doctor_sample_c").mkdir()
    (site / "doctor_sample_c" / "__init__.py").write_text("")
    assert check_package("doctor_sample_c.msg", remedy="reinstall").level is Level.MISSING
