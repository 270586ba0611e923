"""Transitions of a node inside the test process: what fails leaves nothing behind, and the node can be tried again."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.tiny_onnx import make_yolox_onnx

rclpy = pytest.importorskip("rclpy", reason="ROS is not here")
pytest.importorskip("vision_msgs", reason="vision_msgs is not here")

# ruff: noqa: E402  what needs ROS is imported once it is known to be here
from rclpy.lifecycle import TransitionCallbackReturn

from trt_perception.errors import MissingError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.ros import perception_system
from trt_perception.ros.backend_request import BackendRequest
from trt_perception.ros.perception_node import PerceptionNode
from trt_perception.runtime.backend import Backend
from trt_perception.runtime.null_backend import NullBackend

SUCCESS, FAILURE, ERROR = (
    TransitionCallbackReturn.SUCCESS,
    TransitionCallbackReturn.FAILURE,
    TransitionCallbackReturn.ERROR,
)

MakeNode = Callable[[Callable[[ModelSpec], Backend]], PerceptionNode]


class CountedBackend(NullBackend):
    """Knows how many of its kind are open."""

    open_count = 0

    def open(self) -> None:
        CountedBackend.open_count += 1

    def close(self) -> None:
        CountedBackend.open_count -= 1


@pytest.fixture
def make_node(tmp_path: Path) -> Iterator[MakeNode]:
    """Makes a node whose backends a function makes."""
    config = tmp_path / "perception.yaml"
    config.write_text(
        "backend: onnxruntime\ncameras: [{name: front}, {name: back}]\n"
        f"models: [{{name: boxes, spec: {make_yolox_onnx(tmp_path / 'boxes.onnx')}}}]\n"
        "pipelines: [{name: detect, model: boxes}]\n"
    )
    context = rclpy.Context()
    rclpy.init(context=context)
    nodes = []

    def make(backend: Callable[[ModelSpec], Backend]) -> PerceptionNode:
        def factory(request: BackendRequest) -> Backend:
            return backend(request.spec)

        arguments = ["--ros-args", "-p", f"config:={config}"]
        nodes.append(PerceptionNode(backend_factory=factory, context=context, cli_args=arguments))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    rclpy.try_shutdown(context=context)


def _topics(node: Any) -> set[str]:
    return {publisher.topic_name for publisher in node.publishers}


def test_five_cycles_release_models_topics_services_parameters_and_threads(make_node: MakeNode) -> None:
    node = make_node(CountedBackend)
    topics, services, threads = _topics(node), len(list(node.services)), threading.active_count()
    parameters = set(node._parameters)
    for _ in range(5):
        assert node.trigger_configure() == SUCCESS
        assert CountedBackend.open_count == 1
        assert "/front/detections" in _topics(node)
        assert node.has_parameter("detect.score_threshold")
        assert node.trigger_activate() == SUCCESS
        assert threading.active_count() == threads + 2
        assert node.trigger_deactivate() == SUCCESS
        assert threading.active_count() == threads
        assert node.trigger_cleanup() == SUCCESS
        assert CountedBackend.open_count == 0
        assert _topics(node) == topics
        assert len(list(node.services)) == services
        left = {name for name in node._parameters if not name.startswith("qos_overrides.")}
        assert left == parameters


@pytest.mark.parametrize("states", [0, 1, 2], ids=["unconfigured", "inactive", "active"])
def test_shutdown_releases_everything_from_each_state(make_node: MakeNode, states: int) -> None:
    node = make_node(CountedBackend)
    for trigger in (node.trigger_configure, node.trigger_activate)[:states]:
        assert trigger() == SUCCESS
    node.shut_down()
    node.shut_down()
    assert CountedBackend.open_count == 0
    assert node.system is None


def test_an_expected_error_is_one_line_and_the_next_try_may_succeed(
    make_node: MakeNode, capfd: pytest.CaptureFixture[str]
) -> None:
    errors: list[Exception] = [MissingError("no GPU", "plug one in")]

    def backend(spec: ModelSpec) -> Backend:
        if errors:
            raise errors.pop()
        return CountedBackend(spec)

    node = make_node(backend)
    assert node.trigger_configure() == FAILURE
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("no GPU; plug one in")
    assert node.system is None
    assert node.trigger_configure() == SUCCESS
    assert node.last_error is None


def test_an_unexpected_error_shows_where_it_came_from_and_the_next_try_may_succeed(
    make_node: MakeNode, capfd: pytest.CaptureFixture[str]
) -> None:
    errors: list[Exception] = [ZeroDivisionError("a bug")]

    def backend(spec: ModelSpec) -> Backend:
        if errors:
            raise errors.pop()
        return CountedBackend(spec)

    node = make_node(backend)
    assert node.trigger_configure() == ERROR
    assert "ZeroDivisionError: a bug" in capfd.readouterr().err
    assert node.trigger_configure() == SUCCESS


def test_an_activation_that_fails_half_way_leaves_no_worker_running(
    make_node: MakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def subscribe(node: Any, channel: Any) -> Any:
        made.append(channel)
        if len(made) == 2:
            raise MissingError("no second subscription", "try again")
        return real(node, channel)

    real = perception_system.ImageSubscription
    node = make_node(CountedBackend)
    assert node.trigger_configure() == SUCCESS
    threads = threading.active_count()
    monkeypatch.setattr(perception_system, "ImageSubscription", subscribe)
    assert node.trigger_activate() == FAILURE
    assert threading.active_count() == threads
    assert list(node.subscriptions) == []
    monkeypatch.undo()
    assert node.trigger_activate() == SUCCESS


def test_the_collector_spares_what_an_active_node_is_made_of(make_node: MakeNode) -> None:
    node = make_node(CountedBackend)
    assert node.trigger_configure() == SUCCESS
    assert gc.get_freeze_count() == 0
    for _ in range(2):
        assert node.trigger_activate() == SUCCESS
        assert gc.get_freeze_count() > 10 * len(gc.get_objects())  # those are what a collection looks at
        assert node.trigger_deactivate() == SUCCESS
        assert gc.get_freeze_count() == 0
    assert node.trigger_activate() == SUCCESS
    assert node.trigger_shutdown() == SUCCESS
    assert gc.get_freeze_count() == 0
