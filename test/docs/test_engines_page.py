"""docs/engines.md: what it says of refusals is what loading says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.engine_pair import GPU, TENSORRT, EnginePair, make_pair

from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.load_engine_file import load_engine_file
from trt_perception.engine.tensorrt_module import TensorRtIdentity
from trt_perception.errors import PerceptionError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "engines.md"


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def other_ranges(pair: EnginePair) -> None:
    pair.calibration.write_text(pair.calibration.read_text().replace("1.0", "2.0"))


FAULTS: dict[str, Callable[[EnginePair], None]] = {
    "another GPU": lambda pair: None,
    "another TensorRT": lambda pair: None,
    "the ONNX was changed": lambda pair: flip(pair.model),
    "the ranges were changed": other_ranges,
    "a plugin library was changed": lambda pair: flip(pair.plugin),
    "a byte of the plan is wrong": lambda pair: flip(pair.engine),
    "the plan is cut off": lambda pair: pair.engine.write_bytes(pair.engine.read_bytes()[:100]),
    "there is no plan": lambda pair: pair.engine.unlink(),
    "there is no manifest": lambda pair: pair.files.manifest.unlink(),
}
GPUS = {"another GPU": GpuIdentity(name="Orin", compute_capability="8.7")}
TENSORRTS = {"another TensorRT": TensorRtIdentity(flavour="tensorrt", version="10.15.1.29")}


def rows() -> dict[str, str]:
    """What the page says, by fault; without the digests, which follow from the versions that make the test's model."""
    text = PAGE.read_text().partition("<!-- refusals -->")[2].partition("<!-- end -->")[0]
    said = dict(re.findall(r"^\| (.+?) \| `(.+)` \|$", text, re.MULTILINE))
    return {fault: re.sub(r"\b[0-9a-f]{8}\.\.\.", "...", line) for fault, line in said.items()}


def refusal(fault: str, folder: Path) -> str:
    """What loading says, without the folder, the command that mends, and the digests."""
    pair = make_pair(folder)
    FAULTS[fault](pair)
    with pytest.raises(PerceptionError) as caught:
        load_engine_file(pair.engine, tensorrt=TENSORRTS.get(fault, TENSORRT), gpu=GPUS.get(fault, GPU))
    text = str(caught.value).replace(f"{folder}/", "").partition("; run: ")[0]
    return re.sub(r"\b[0-9a-f]{16,}", "...", text)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.replace(" ", "_"))
def test_a_refusal_is_told_in_its_words(fault: str, tmp_path: Path) -> None:
    assert rows()[fault] == refusal(fault, tmp_path)


def test_the_page_names_no_other(tmp_path: Path) -> None:
    assert rows().keys() == FAULTS.keys()
