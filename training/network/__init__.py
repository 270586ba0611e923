"""The demo network in plain PyTorch: convolutions, batch normalisation, ReLU."""
