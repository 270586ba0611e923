"""How the demo world becomes camera pictures with ground truth."""
