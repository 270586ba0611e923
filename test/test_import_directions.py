"""One direction of data: a part never imports a later part, and only the ROS side imports ROS."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "trt_perception"

# Earlier may not import later; parts of one line may not import each other.
ORDER: tuple[tuple[str, ...], ...] = (
    ("version",),
    ("errors",),
    ("options", "encoding", "share_folder", "kernel_call"),
    ("frame", "detections", "segmentation_mask", "thresholds"),
    ("instance_detections",),
    ("result",),
    ("pairing",),
    ("cdr", "model", "ingest"),
    ("precision",),
    ("engine",),
    ("preprocess",),
    ("decode",),
    ("draw",),
    ("runtime",),
    ("bag",),
    ("calibration",),
    ("validate",),
    ("demo",),
    ("settings",),
    ("ros",),
    ("doctor",),
    ("cli",),
)
RANK = {part: rank for rank, parts in enumerate(ORDER) for part in parts}

ROS_PACKAGES = {
    "ament_index_python", "builtin_interfaces", "cv_bridge", "diagnostic_msgs", "geometry_msgs", "launch", "launch_ros",
    "lifecycle_msgs", "rcl_interfaces", "rclpy", "rosgraph_msgs", "sensor_msgs", "std_msgs", "std_srvs",
    "trt_perception_msgs", "vision_msgs",
}  # fmt: skip

# What only some uses need: never imported when a module is, always when it is used.
OPTIONAL = {
    "cryptography", "cuda", "imageio_ffmpeg", "jinja2", "matplotlib", "mcap", "nvtx", "onnx", "onnxruntime",
    "pycocotools", "ray", "rosbags", "tensorrt", "tensorrt_rtx_bindings", "torch",
}  # fmt: skip

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(node: ast.AST, *, at_top: bool = True) -> Iterator[tuple[str, bool]]:
    """Every imported module, and whether importing the file imports it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield alias.name, at_top
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"relative import in line {child.lineno}"
            yield child.module or "", at_top
            for alias in child.names:  # `from trt_perception import x` may import a part
                yield f"{child.module}.{alias.name}", at_top
        else:
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or is_for_types_only(child)
            yield from imports(child, at_top=at_top and not inside)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_what_comes_before(path: Path) -> None:
    own = part_of(path)
    for name, _ in imports(ast.parse(path.read_text())):
        parts = name.split(".")
        if parts[0] == "trt_perception" and len(parts) > 1 and parts[1] in RANK:
            assert parts[1] == own or RANK[parts[1]] < RANK[own], (
                f"{own} imports {name}, which comes later or beside it"
            )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_ros_and_optional_packages_only_where_it_may(path: Path) -> None:
    own = part_of(path)
    for name, at_top in imports(ast.parse(path.read_text())):
        package = name.split(".")[0]
        if package in ROS_PACKAGES:
            assert own == "ros" or (own == "cli" and not at_top), f"{own} imports {name}"
        if package in OPTIONAL:
            assert not at_top, f"importing this file imports {name}, which may not be installed"


def test_every_part_has_a_place_in_the_order() -> None:
    assert {part_of(path) for path in MODULES} == set(RANK)
