"""The `trt-perception` command."""
