"""The interface packages are the types that everybody else means: their RIHS01 hashes are the published ones.

The figures are those of vision_msgs 4.1.1, as its release and every workspace that builds it carry them in
`share/vision_msgs/msg/*.json`. rmw_zenoh drops messages of another hash.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from helpers.vision_definitions import typed_store
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

ROOT = Path(__file__).parents[2]

PUBLISHED = {
    "BoundingBox2D": "RIHS01_008eacbb0cf8f26e83795547bed013eec3675485ef386ec056d80eaaf1c1ce2f",
    "Detection2D": "RIHS01_0d12b69df5c593b3455b7346fac8205437a7d4bcb09b9e0e0b2dde787ded38ea",
    "Detection2DArray": "RIHS01_214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968",
    "LabelInfo": "RIHS01_3d37df4015cdf660cc851c51897f2acd957e1ca6205ba0a99aebffb9406b0783",
    "ObjectHypothesis": "RIHS01_51da43cec11c01957a64d1e05a24acd18aae7745ec30b74348ad5f6d634f7f90",
    "ObjectHypothesisWithPose": "RIHS01_41c12344c0396c48b81df12467c192d99b2a0eb1463c5c37194e4223251c80bc",
    "Point2D": "RIHS01_eab0e83f44ab4de92ceaf76dd7d0e7638f2bdd1d16ffbe16c7a136c48e407247",
    "Pose2D": "RIHS01_b0b5d1d7b4c20dd4fcde3ed1d4b289a919290572007d67a97043814db25d3648",
    "VisionClass": "RIHS01_1e4a11f0fed50b5623cb8ff26ca0e37952a48a9c074d16f804b44e9164c2037a",
    "VisionInfo": "RIHS01_95d3116a17484ad91c9a2686e1d54890bbfc3ff6c6a2de137738c4950d45d284",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_fallback_definition_has_the_published_hash(name: str) -> None:
    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for path in (ROOT / "interfaces" / "vision_msgs" / "msg").glob("*.msg"):
        types.update(get_types_from_msg(path.read_text(), f"vision_msgs/msg/{path.stem}"))
    store.register(types)

    assert store.hash_rihs01(f"vision_msgs/msg/{name}") == PUBLISHED[name]


def test_fallback_has_every_definition_and_no_other() -> None:
    paths = (ROOT / "interfaces" / "vision_msgs" / "msg").iterdir()

    assert {path.name for path in paths} == {f"{name}.msg" for name in PUBLISHED}


@pytest.mark.parametrize("name", PUBLISHED)
def test_built_vision_msgs_has_the_published_hash(name: str) -> None:
    assert built_hash("vision_msgs", name) == PUBLISHED[name]


def test_built_frame_timing_is_the_definition_in_the_tree() -> None:
    expected = typed_store().hash_rihs01("trt_perception_msgs/msg/FrameTiming")

    assert built_hash("trt_perception_msgs", "FrameTiming") == expected


def test_a_workspace_never_overlays_the_real_package() -> None:
    assert (ROOT / "interfaces" / "COLCON_IGNORE").is_file()
    assert not (ROOT / "interfaces" / "vision_msgs" / "COLCON_IGNORE").exists()


def built_hash(package: str, name: str) -> str:
    """The hash in the type description that the message generator installed."""
    pytest.importorskip("rclpy", reason="type descriptions are installed with the built packages, which need ROS")
    module = importlib.import_module(package)
    assert module.__file__ is not None
    prefixes = Path(module.__file__).parents
    path = next(p for p in (prefix / "share" / package / "msg" / f"{name}.json" for prefix in prefixes) if p.is_file())
    hashes = json.loads(path.read_text())["type_hashes"]
    return next(str(entry["hash_string"]) for entry in hashes if entry["type_name"] == f"{package}/msg/{name}")
