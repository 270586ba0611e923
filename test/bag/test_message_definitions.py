"""The definitions that bags carry are those that the interface packages are built from."""

from pathlib import Path

import pytest
from helpers.reference_types import reference_types

from trt_perception.bag.message_definitions import OWN_DEFINITIONS, message_types

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"vision_msgs": ROOT / "interfaces" / "vision_msgs" / "msg", "trt_perception_msgs": ROOT / "msg" / "msg"}


def fields(text: str) -> list[str]:
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    return [" ".join(line) for line in lines if line]


def test_fields_are_those_of_the_msg_files() -> None:
    files = {
        f"{package}/msg/{file.stem}": fields(file.read_text())
        for package, folder in FOLDERS.items()
        for file in folder.glob("*.msg")
    }
    assert {name: fields(text) for name, text in OWN_DEFINITIONS.items()} == files


@pytest.mark.parametrize("name", ["Detection2DArray", "VisionInfo", "LabelInfo"])
def test_type_hashes_are_those_of_definitions_typed_anew(name: str) -> None:
    type_name = f"vision_msgs/msg/{name}"
    assert message_types().hash_rihs01(type_name) == reference_types().hash_rihs01(type_name)
