"""Who else may write what is trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from trt_perception.engine.file_trust import others_may_write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)
    path = folder / "file"
    path.write_text("")
    path.chmod(0o644)
    return path


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "said"),
    [
        pytest.param(0o644, 0o755, [], id="owner_only"),
        pytest.param(0o600, 0o700, [], id="private"),
        pytest.param(0o664, 0o755, ["folder/file may be written by group"], id="group"),
        pytest.param(0o666, 0o755, ["folder/file may be written by everybody"], id="everybody"),
        pytest.param(0o644, 0o775, ["folder may be written by group"], id="folder_of_group"),
        pytest.param(0o644, 0o1777, [], id="sticky_folder"),
        pytest.param(0o1666, 0o755, ["folder/file may be written by everybody"], id="sticky_file"),
        pytest.param(0o662, 0o777, ["folder/file may be", "folder may be"], id="both"),
    ],
)
def test_modes(file: Path, file_mode: int, folder_mode: int, said: list[str]) -> None:
    file.chmod(file_mode)
    file.parent.chmod(folder_mode)
    found = list(others_may_write([file, file]))
    assert len(found) == len(said)
    for sentence, part in zip(found, said, strict=True):
        assert part in sentence


def test_a_link_is_judged_by_what_it_leads_to(file: Path, tmp_path: Path) -> None:
    file.chmod(0o666)
    link = file.with_name("link")
    link.symlink_to(file)
    assert [text for text in others_may_write([link]) if "link may be written by everybody" in text]


def test_what_is_absent_is_passed_over(file: Path) -> None:
    assert list(others_may_write([file.with_name("absent")])) == []
