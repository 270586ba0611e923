"""Precision: which part of a network computes in INT8, FP16 or FP32, calibrated and written into the graph."""
