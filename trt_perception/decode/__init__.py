"""From output tensors to detections and masks, one file a head family. The CPU reference."""
