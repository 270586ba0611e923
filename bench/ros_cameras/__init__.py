"""From camera topic to result topic, through the whole node: what docs/results/ros_cameras.json says."""
