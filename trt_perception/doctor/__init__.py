"""Checks of the machine: what is here, and what to do about the rest."""
