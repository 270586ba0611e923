"""The root package exports its public names, all of them and nothing else."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import trt_perception


def test_all_names_what_the_package_has() -> None:
    present = {
        name
        for name, value in vars(trt_perception).items()
        if not isinstance(value, ModuleType) and (not name.startswith("_") or name == "__version__")
    } - {"annotations"}
    assert set(trt_perception.__all__) == present


def test_all_is_sorted_and_names_nothing_twice() -> None:
    names = trt_perception.__all__
    constants = [name for name in names if name.isupper()]
    classes = [name for name in names if not name.isupper() and not name.startswith("_")]
    assert names == [*sorted(constants), *sorted(classes), "__version__"]
    assert len(set(names)) == len(names)


def test_import_needs_nothing_heavy() -> None:
    heavy = ("onnx", "onnxruntime", "rclpy", "tensorrt", "cuda", "torch", "matplotlib", "rosbags")
    code = (
        f"import sys, trt_perception, trt_perception.model.load_spec; print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
