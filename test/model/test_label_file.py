"""Label files: lists, numbered mappings, dataset YAMLs, plain lines; and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from trt_perception.errors import ConfigError
from trt_perception.model.label_file import read_labels

COCO = Path(__file__).resolve().parents[2] / "config" / "labels" / "coco.yaml"


@pytest.mark.parametrize(
    ("name", "content", "labels"),
    [
        pytest.param("a.txt", b"car\nstop sign\n", ("car", "stop sign"), id="lines"),
        pytest.param("a.names", b"\xef\xbb\xbfcar\r\nbus\r\n\r\n", ("car", "bus"), id="windows_lines"),
        pytest.param("a.yaml", b"- car\n- no\n- 7\n", ("car", "no", "7"), id="list"),
        pytest.param("a.yml", b"{1: bus, 0: car}", ("car", "bus"), id="numbered"),
        pytest.param("a.yaml", b"path: data\nnames:\n  0: car\n  1: bus\n", ("car", "bus"), id="dataset"),
        pytest.param("a.yaml", "- Fußgänger\n".encode(), ("Fußgänger",), id="utf_8"),
    ],
)
def test_reads(tmp_path: Path, name: str, content: bytes, labels: tuple[str, ...]) -> None:
    (tmp_path / name).write_bytes(content)
    assert read_labels(tmp_path / name) == labels


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("a.txt", b"car\n\nbus\n", "line 2 is empty; remove it", id="empty_line"),
        pytest.param("a.txt", b"", "expected at least one label", id="empty_file"),
        pytest.param("a.txt", b"\xff\xfe", "expected UTF-8 text, got other bytes at 0", id="other_bytes"),
        pytest.param("a.txt", b"x" * 2**21, "expected at most 1048576 bytes", id="too_large"),
        pytest.param("a.yaml", b"{0: car, 2: bus}", "expected class numbers 0 to 1", id="gap"),
        pytest.param("a.yaml", b"car", "expected a list of labels", id="no_list"),
        pytest.param("a.yaml", b"[car, [bus]]", "label 1: expected a text", id="nested"),
        pytest.param("a.yaml", b"[car, true]", "label 1: expected a text, got True; put it in quotes", id="boolean"),
        pytest.param("a.yaml", b"[car, '']", "label 1: expected a text", id="empty_label"),
        pytest.param("a.json", b"[]", "expected a label file .yaml, .yml, .txt or .names, got '.json'", id="suffix"),
    ],
)
def test_refuses(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_labels(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["absent.txt", "absent.yaml"])
def test_names_an_absent_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}: no such"):
        read_labels(tmp_path / name)


def test_the_shipped_coco_labels() -> None:
    labels = read_labels(COCO)
    assert (len(labels), len(set(labels))) == (80, 80)
    # Class numbers as every COCO detector has them.
    assert [labels[number] for number in (0, 2, 5, 7, 9, 79)] == [
        "person",
        "car",
        "bus",
        "truck",
        "traffic light",
        "toothbrush",
    ]
