"""The shapes of the demo world as shaded polygons and capsules in metres."""
