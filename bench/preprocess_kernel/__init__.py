"""GPU time of the preprocessing kernel alone."""
