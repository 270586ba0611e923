"""Receives one camera's images as serialized messages."""

from __future__ import annotations

from typing import Any

from sensor_msgs.msg import CompressedImage, Image

from trt_perception.ros.camera_channel import CameraChannel
from trt_perception.ros.image_publishers import ImagePublishers
from trt_perception.ros.publisher_query import query_publishers
from trt_perception.ros.quality_of_service import image_profile, overridable
from trt_perception.settings.camera_settings import Transport


class ImageSubscription:
    """Gives every image message of a camera to its channel, unparsed and without a copy.

    Args:
        node: The node.
        channel: The camera.
    """

    def __init__(self, node: Any, channel: CameraChannel) -> None:
        settings = channel.settings
        self._node = node
        self._is_raw = settings.transport is Transport.RAW
        self._subscription = node.create_subscription(
            CompressedImage if settings.transport is Transport.COMPRESSED else Image,
            settings.image_topic,
            channel.receive,
            image_profile(settings),
            raw=True,
            qos_overriding_options=overridable(),
        )

    @property
    def topic(self) -> str:
        """The full name of the topic, remapped where it is."""
        return str(self._subscription.topic_name)

    @property
    def publishers(self) -> ImagePublishers:
        """Who publishes images to it now."""
        return query_publishers(self._node, self.topic, self._subscription.qos_profile, is_raw=self._is_raw)

    def destroy(self) -> None:
        """Stop receiving."""
        self._node.destroy_subscription(self._subscription)
