"""The node's models on a real GPU, by both paths.

Needs what test_gpu_pipeline.py needs; no ROS.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.frames import bgr_frame
from numpy.typing import NDArray

from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.detections import Detections
from trt_perception.result import Result
from trt_perception.ros.model_pool import ModelPool
from trt_perception.runtime.gpu_pipeline import GpuPipeline
from trt_perception.settings.camera_settings import CameraSettings
from trt_perception.settings.execution_path import ExecutionPath
from trt_perception.settings.model_settings import ModelSettings
from trt_perception.settings.perception_settings import PerceptionSettings
from trt_perception.settings.pipeline_settings import PipelineSettings

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def settings(trt: Any, tmp_path_factory: pytest.TempPathFactory) -> PerceptionSettings:
    from helpers.demo_engine import demo_engine

    engine = demo_engine("demo_model", tmp_path_factory.mktemp("demo"))
    return PerceptionSettings(
        cameras=(CameraSettings(name="front", priority=5), CameraSettings(name="back")),
        models=(ModelSettings(name="demo", spec=str(engine)),),
        pipelines=(
            PipelineSettings(name="objects", model="demo"),
            PipelineSettings(name="sure", model="demo", namespace="sure", score_threshold=0.8, cameras=("front",)),
        ),
    )


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    return next(iter(Drive(options=DriveOptions(cameras=1)).sample(8).images.values()))


@pytest.fixture(scope="module")
def by_host(settings: PerceptionSettings, image: NDArray[np.uint8]) -> dict[str, Result]:
    pool = ModelPool(replace(settings, path=ExecutionPath.HOST))
    pool.open()
    try:
        assert "contexts: 2" in pool.backend_names["demo"]
        return {name: group.processor("front").process([bgr_frame(image)]) for name, group in pool.pipelines.items()}
    finally:
        pool.close()


@pytest.fixture
def pool(settings: PerceptionSettings) -> Iterator[ModelPool]:
    found = ModelPool(settings)
    found.open()
    yield found
    found.close()


def assert_like(got: Result, expected: Result) -> None:
    for name, head in expected.heads.items():
        found = got.heads[name]
        np.testing.assert_array_equal(found.class_ids, head.class_ids)
        if isinstance(head, Detections):
            assert isinstance(found, Detections)
            assert len(head)
            np.testing.assert_allclose(found.boxes, head.boxes, rtol=0, atol=1e-2)


def test_pipelines_of_a_camera_find_what_the_host_path_finds(
    pool: ModelPool, by_host: dict[str, Result], image: NDArray[np.uint8]
) -> None:
    assert pool.warnings == ()
    assert "path gpu, pipelines: 3, CUDA graph" in pool.backend_names["demo"]
    processors = {name: group.processor("front") for name, group in pool.pipelines.items()}
    for _ in range(4):
        frame = bgr_frame(image)
        tickets = {name: processor.start([frame]) for name, processor in processors.items()}  # type: ignore[attr-defined]
        for name, ticket in tickets.items():
            assert_like(ticket.result(), by_host[name])
        for processor in processors.values():
            assert isinstance(processor, GpuPipeline)
            processor.catch_up()


def test_frames_in_a_ring_that_the_pool_has_registered(
    pool: ModelPool, by_host: dict[str, Result], image: NDArray[np.uint8], tmp_path: Path
) -> None:
    processor = pool.pipelines["objects"].processor("front")
    with mmap.mmap(-1, -(-image.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE) as memory:
        ring = np.frombuffer(memory, np.uint8)
        undo = pool.register(ring.ctypes.data, ring.nbytes)
        place = ring[: image.nbytes]
        for _ in range(3):
            place[:] = image.reshape(-1)
            assert_like(processor.process([replace(bgr_frame(image), data=place)]), by_host["objects"])
            place[:] = 0
        undo()
        del ring, place


def test_the_pool_can_be_opened_again(settings: PerceptionSettings) -> None:
    said: list[str] = []
    pool = ModelPool(settings, say=said.append)
    for _ in range(2):
        pool.open()
        pool.close()
    assert len(said) == 2
    assert "model demo: 3 pipelines on GPU 0 take" in said[0]
