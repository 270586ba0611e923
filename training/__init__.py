"""Makes the demo model: its training images, the network in plain PyTorch, the training, the ONNX and its card.

The one part of the repository that needs torch. Run as modules from the repository's root, e.g.
``python3 -m training.train --help``.
"""
