"""The same frames and network through other people's software: what docs/results/peers.json says."""
