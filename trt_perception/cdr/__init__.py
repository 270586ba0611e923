"""ROS messages as CDR bytes, read and written by hand: no ROS, no copies of pixels, no message objects.

Only XCDR1 little endian (`CDR_LE`, what every ROS 2 middleware here sends) is spoken; big endian is refused by name.
"""
