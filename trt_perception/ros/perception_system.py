"""Everything that exists between configure and cleanup: models, publishers, cameras, services."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from std_srvs.srv import SetBool

from trt_perception.errors import ConfigError, DeviceError
from trt_perception.ros.bridge import make_bridge
from trt_perception.ros.camera_channel import CameraChannel
from trt_perception.ros.camera_journal import CameraJournal
from trt_perception.ros.counters import CameraCounters
from trt_perception.ros.drop_log import DropLog
from trt_perception.ros.fault_log import FaultLog
from trt_perception.ros.lane import Lane
from trt_perception.ros.lane_publishers import LanePublishers
from trt_perception.ros.model_pool import BackendFactory, ModelPool
from trt_perception.ros.node_options import NodeOptions
from trt_perception.ros.receivers import Receivers
from trt_perception.ros.set_channel import SetChannel
from trt_perception.ros.subscription import ImageSubscription
from trt_perception.ros.timing_publisher import TimingPublisher
from trt_perception.ros.topics import LaneTopics, plan_topics
from trt_perception.runtime.backend import BackendKind
from trt_perception.runtime.gpu_pipeline import GpuPipeline
from trt_perception.runtime.trace_ranges import TraceRanges
from trt_perception.settings.camera_settings import CameraSettings
from trt_perception.settings.load_settings import load_settings
from trt_perception.settings.perception_settings import PerceptionSettings
from trt_perception.settings.receiver_count import receiver_count, receivers_for


def read_settings(options: NodeOptions) -> PerceptionSettings:
    """The config file, with what the node's parameters override.

    Raises:
        ConfigError: No config is given, or it is wrong.
    """
    if not options.config:
        raise ConfigError(
            "parameter config",
            "expected the path of a perception config, got none",
            "set -p config:=/path/to/file.yaml",
        )
    settings = load_settings(Path(options.config))
    if not options.backend:
        return settings
    try:
        return dataclasses.replace(settings, backend=BackendKind(options.backend))
    except ValueError:
        raise ConfigError(
            "parameter backend", f"expected 'tensorrt' or 'onnxruntime', got {options.backend!r}"
        ) from None


class PerceptionSystem:
    """Opened by configure, started by activate, stopped by deactivate, closed by cleanup.

    Args:
        node: The lifecycle node.
        options: Its options.
        backend_factory: Makes the backends.
        version: Counts the configurations of this node.

    Attributes:
        receivers: The processes that receive the images; None where this one does.
        lost_device: Set once only a new process can go on: no CUDA call of this one works any more.
    """

    def __init__(self, node: Any, options: NodeOptions, *, backend_factory: BackendFactory, version: int) -> None:
        self.settings = read_settings(options)
        self.models = ModelPool(
            self.settings,
            backend_factory=backend_factory,
            say=node.get_logger().info,
            warn=node.get_logger().warning,
        )
        self.channels: dict[str, CameraChannel] = {}
        self.sets: list[SetChannel] = []
        self.subscriptions: dict[str, ImageSubscription] = {}
        self.fault_log = FaultLog(node.get_logger().warning)
        self.lost_device: DeviceError | None = None
        self.receivers: Receivers | None = None
        self._node = node
        self._options = options
        self._version = version
        self._drop_log: DropLog | None = None
        self._publishers: list[tuple[str, LanePublishers]] = []  # with the name of the pipeline
        self._timings: list[TimingPublisher] = []
        self._services: list[Any] = []

    @property
    def drop_log(self) -> DropLog | None:
        """Where dropped frames are listed, if anywhere."""
        return self._drop_log

    def open(self) -> None:
        """Load the models and make all topics and services.

        Raises:
            PerceptionError: Config or model cannot be used; nothing stays open.
        """
        try:
            self.models.open()
            topics = plan_topics(self.settings.plans, self.models.specs)
            if self._options.drop_log:
                self._drop_log = DropLog(Path(self._options.drop_log))
            for camera in self.settings.cameras:
                self._add_camera(camera, [lane for lane in topics if camera in lane.plan.sources])
            for lane in topics:
                if len(lane.plan.sources) > 1:
                    self._add_set(lane)
            self._open_receivers()
        except BaseException:
            self.close()
            raise

    @property
    def image_mb_per_s(self) -> float:
        """Bytes of the images that come in a second, 10^6, over the last seconds."""
        now_ns = time.monotonic_ns()
        return sum(channel.bytes_per_s(now_ns) for channel in self.channels.values()) / 1e6

    @property
    def advised_receivers(self) -> int:
        """How many receiver processes what comes now asks for, where there are none; 0: all is well."""
        if self.receivers is not None:
            return 0
        return receivers_for(self.image_mb_per_s, cameras=len(self.channels), cores=_cores())

    def start(self) -> None:
        """Take images and publish results."""
        self.publish_info()
        for each in self.sets:
            each.start()
        for name, channel in self.channels.items():
            channel.start()
            self.subscriptions[name] = ImageSubscription(self._node, channel)
        if self.receivers is not None:
            self.receivers.subscribe({name: each.hand_over() for name, each in self.subscriptions.items()})

    def publish_info(self) -> None:
        """Publish the latched facts: at the start, and when a threshold that stands in them has changed."""
        for pipeline, publishers in self._publishers:
            publishers.publish_info(self.models.pipelines[pipeline].thresholds.score)

    def stop(self) -> None:
        """Take no more images. An inactive node receives nothing, which is what costs most."""
        if self.receivers is not None:
            self.receivers.subscribe({})
        for subscription in self.subscriptions.values():
            subscription.destroy()
        self.subscriptions.clear()
        for channel in self.channels.values():
            channel.request_stop()
        for each in self.sets:
            each.request_stop()
        ended = {f"camera {name}": channel.stop() for name, channel in self.channels.items()}
        ended |= {each.name: each.stop() for each in self.sets}
        for name in (name for name, has_ended in ended.items() if not has_ended):
            self._node.get_logger().error(f"{name}: its worker is still in inference and was left behind")

    def close(self) -> None:
        """Release everything. Harmless when called twice."""
        self.stop()
        if self.receivers is not None:
            self.receivers.close()
        for service in self._services:
            self._node.destroy_service(service)
        for _, publishers in self._publishers:
            publishers.destroy()
        for timings in self._timings:
            timings.destroy()
        self._services.clear()
        self._publishers.clear()
        self._timings.clear()
        self.channels.clear()
        self.sets.clear()
        self.models.close()
        if self._drop_log is not None:
            self._drop_log.close()

    def _add_camera(self, camera: CameraSettings, topics: list[LaneTopics]) -> None:
        if not topics:
            self._node.get_logger().warning(f"camera {camera.name}: no pipeline uses it, it is not received")
            return
        lanes = [self._make_lane(lane) for lane in topics if len(lane.plan.sources) == 1]
        counters = CameraCounters(lane.plan.settings.name for lane in topics if lane.plan.camera is camera)
        channel = CameraChannel(
            camera,
            lanes=lanes,
            journal=CameraJournal(
                camera.name, counters, self.fault_log, self._drop_log, timings=self._make_timings(camera)
            ),
            ros_now_ns=self._ros_clock(),
            sim_time=self._node.get_parameter("use_sim_time").value,
            bridge=make_bridge(),
            say=self._node.get_logger().info,
            on_lost_device=self._lose_device,
            ranges=TraceRanges(camera.name, is_on=self.settings.timing),
        )
        self.channels[camera.name] = channel
        service = self._node.create_service(SetBool, f"~/{camera.name}/enable", self._enabler(channel))
        self._services.append(service)

    def _add_set(self, topics: LaneTopics) -> None:
        plan = topics.plan
        self.sets.append(
            SetChannel(
                self._make_lane(topics),
                cameras=[self.channels[camera.name] for camera in plan.sources],
                options=plan.settings.pairing,
                ros_now_ns=self._ros_clock(),
                say=self._node.get_logger().info,
                on_lost_device=self._lose_device,
                ranges=TraceRanges(plan.camera.name, is_on=self.settings.timing),
            )
        )

    def _make_timings(self, camera: CameraSettings) -> TimingPublisher | None:
        if not self.settings.timing:
            return None
        publisher = TimingPublisher(self._node, camera.name)
        self._timings.append(publisher)
        return publisher

    def _open_receivers(self) -> None:
        cameras = [channel.settings for channel in self.channels.values()]
        count = receiver_count(self.settings.ingest, cameras, cores=_cores())
        if not count:
            return
        self.receivers = Receivers(
            self.channels,
            count=count,
            name=self._node.get_name(),
            namespace=self._node.get_namespace(),
            warn=self._node.get_logger().warning,
            register=self.models.register,
        )
        self.receivers.open()

    def _lose_device(self, error: DeviceError) -> None:
        """Every camera fails from now on; what the first one said is the cause."""
        if self.lost_device is None:
            self.lost_device = error

    def _make_lane(self, topics: LaneTopics) -> Lane:
        settings = topics.plan.settings
        spec = self.models.specs[topics.plan.model.name]
        publishers = LanePublishers(self._node, topics, spec, version=self._version)
        self._publishers.append((settings.name, publishers))
        processor = self.models.pipelines[settings.name].processor(topics.plan.camera.name)
        if isinstance(processor, GpuPipeline):
            processor.draw(publishers.shown_spec, wanted=publishers.is_watched, left_out=publishers.left_out)
        return Lane(
            name=settings.name,
            processor=processor,
            output=publishers,
            always_on=settings.always_on,
        )

    def _ros_clock(self) -> Callable[[], int]:
        clock = self._node.get_clock()
        return lambda: int(clock.now().nanoseconds)

    def _enabler(self, channel: CameraChannel) -> Callable[[Any, Any], Any]:
        def enable(request: Any, response: Any) -> Any:
            channel.is_enabled = bool(request.data)
            response.success = True
            response.message = f"camera {channel.settings.name} is {'enabled' if request.data else 'disabled'}"
            self._node.get_logger().info(response.message)
            return response

        return enable


def _cores() -> int:
    return len(os.sched_getaffinity(0))
