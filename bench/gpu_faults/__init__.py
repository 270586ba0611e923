"""Faults of the GPU: what docs/results/gpu_faults.json says."""
