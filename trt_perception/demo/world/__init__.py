"""What stands and moves in the demo world: road, scenery, traffic, and where each thing is at an instant."""
