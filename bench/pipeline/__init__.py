"""The GPU path beside the engine alone: what docs/results/pipeline.json says."""
