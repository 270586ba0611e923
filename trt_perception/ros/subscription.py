"""Receives one camera's images as serialized messages."""

from __future__ import annotations

from typing import Any

from sensor_msgs.msg import CompressedImage, Image

from trt_perception.ros.camera_channel import CameraChannel
from trt_perception.ros.image_publishers import ImagePublishers
from trt_perception.ros.publisher_query import query_publishers
from trt_perception.ros.quality_of_service import image_profile, overridable, pack_profile
from trt_perception.ros.receiver_plan import Subscription
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
        self._subscription: Any = node.create_subscription(
            CompressedImage if settings.transport is Transport.COMPRESSED else Image,
            settings.image_topic,
            channel.receive,
            image_profile(settings),
            raw=True,
            qos_overriding_options=overridable(),
        )
        self._topic = str(self._subscription.topic_name)
        self._qos = self._subscription.qos_profile

    @property
    def topic(self) -> str:
        """The full name of the topic, remapped where it is."""
        return self._topic

    @property
    def publishers(self) -> ImagePublishers:
        """Who publishes images to it now."""
        return query_publishers(self._node, self._topic, self._qos, is_raw=self._is_raw)

    def hand_over(self) -> Subscription:
        """Stop receiving here; what a receiver process subscribes to instead.

        Only a subscription knows what remappings and overrides of its quality of service make of it.
        """
        self.destroy()
        return Subscription(topic=self._topic, qos=pack_profile(self._qos))

    def destroy(self) -> None:
        """Stop receiving. Harmless when called twice."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self._node.destroy_subscription(subscription)
