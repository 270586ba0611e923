"""Six cameras with faults put in by a seeded schedule: every stamp accounted for, memory flat, every fault seen."""
