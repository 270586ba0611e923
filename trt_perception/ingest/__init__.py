"""Images from receiver processes to the node's process through shared memory; knows no ROS."""
