"""Engines: built, verified against their precision plan, and identified by a manifest; before any frame is seen."""
