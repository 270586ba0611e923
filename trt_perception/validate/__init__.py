"""Measures of quality: detections and masks against ground truth."""
