"""The package's version, read by setup.py and shown by `trt-perception --version`."""

__version__ = "0.1.0"
