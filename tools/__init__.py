"""What the Makefile calls; not part of the installed package."""
