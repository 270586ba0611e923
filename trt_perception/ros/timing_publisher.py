"""Publishes where each frame's time went."""

from __future__ import annotations

import time
from typing import Any

from trt_perception.errors import DropReason, MissingError
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.result import Result, StageStamps
from trt_perception.ros.frame_passage import FramePassage
from trt_perception.ros.quality_of_service import overridable, timing_profile


class TimingPublisher:
    """`<camera>/timing`: one message for each frame that a pipeline finished or dropped, while somebody listens.

    Args:
        node: The lifecycle node.
        camera: Name of the camera.

    Raises:
        MissingError: trt_perception_msgs is not built.
    """

    def __init__(self, node: Any, camera: str) -> None:
        try:
            from trt_perception_msgs.msg import FrameTiming
        except ImportError as error:
            raise MissingError(
                f"timing: the package trt_perception_msgs cannot be imported ({error})",
                "build it (`colcon build --base-paths src/trt_perception/msg`), or set `timing: false`",
            ) from error
        self._message: Any = FrameTiming
        self._node = node
        self._camera = camera
        self._frame_id = ""
        self._publisher = node.create_lifecycle_publisher(
            FrameTiming, f"{camera}/timing", timing_profile(), qos_overriding_options=overridable()
        )

    def processed(
        self, frame: Frame | EncodedFrame, pipeline: str, result: Result, passage: FramePassage, *, ready_ns: int
    ) -> None:
        """A pipeline's result has just been published.

        Args:
            frame: What it is the result of.
            pipeline: Name of the pipeline.
            result: The result.
            passage: Of the image.
            ready_ns: Steady time at which the result was there.
        """
        self._frame_id = frame.frame_id
        if not self._is_heard():
            return
        message = self._begin(frame.stamp_ns, passage, pipeline)
        stamps = result.stamps or _stamps(result, ready_ns)
        message.image_decoded_ns = stamps.image_decoded_ns
        message.uploaded_ns = stamps.uploaded_ns
        message.preprocessed_ns = stamps.preprocessed_ns
        message.inferred_ns = stamps.inferred_ns
        message.decoded_ns = stamps.decoded_ns
        self._publisher.publish(message)

    def dropped(self, reason: DropReason, stamp_ns: int | None, passage: FramePassage) -> None:
        """A frame has ended without a result.

        Args:
            reason: Why.
            stamp_ns: Its stamp; None where the message does not tell.
            passage: Of the image, as far as it came.
        """
        if self._is_heard():
            message = self._begin(stamp_ns or 0, passage)
            message.drop_reason = reason.value
            self._publisher.publish(message)

    def destroy(self) -> None:
        """Remove the publisher."""
        self._node.destroy_lifecycle_publisher(self._publisher)

    def _begin(self, stamp_ns: int, passage: FramePassage, pipeline: str = "") -> Any:
        message = self._message(camera=self._camera, pipeline=pipeline, sequence=passage.sequence)
        published_ns, now_ns = time.monotonic_ns(), int(self._node.get_clock().now().nanoseconds)
        message.header.frame_id = self._frame_id
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 10**9)
        message.published.sec, message.published.nanosec = divmod(now_ns, 10**9)
        message.published_ns = published_ns
        message.age_ns = now_ns - stamp_ns
        message.received_ns = passage.received_ns
        message.started_ns = passage.started_ns
        return message

    def _is_heard(self) -> bool:
        return bool(self._publisher.get_subscription_count())


def _stamps(result: Result, ready_ns: int) -> StageStamps:
    """Where nothing was stamped on the way: the stages' times, counted back from the result."""
    times = result.times
    inferred = ready_ns - times.postprocess_ns
    preprocessed = inferred - times.inference_ns
    decoded = preprocessed - times.preprocess_ns
    return StageStamps(
        image_decoded_ns=decoded if times.decode_ns else 0,
        preprocessed_ns=preprocessed if times.preprocess_ns else 0,
        inferred_ns=inferred,
        decoded_ns=ready_ns,
    )
