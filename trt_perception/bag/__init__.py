"""Reads and writes rosbag2 bags (mcap and sqlite3) and folders of images, without ROS."""
