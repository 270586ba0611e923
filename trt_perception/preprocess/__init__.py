"""From an image message to the input tensor: decoding, colour, crop, resize, normalisation. The CPU reference."""
