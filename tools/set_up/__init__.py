"""Makes the virtual environment in which the project runs and is tested: packages, ROS 2, interface packages.

Standard library only, and every step can be killed and run again. `tools/set-up` starts it.
"""
