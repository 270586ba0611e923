"""Backends that execute a model, and the pipeline from frames to results."""
