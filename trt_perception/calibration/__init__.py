"""Calibration: a spread choice of a user's own frames, run through the model, gives every tensor its INT8 range."""
