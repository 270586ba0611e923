"""Sets of frames that were taken at one time by several cameras."""
