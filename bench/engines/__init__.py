"""Accuracy, speed and memory of engines on one GPU: what docs/results/engines.json says."""
