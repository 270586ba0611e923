"""The ROS 2 side: messages become frames, results become messages; no mathematics here."""
