"""Head families: one file each, listed in `registry`. Each says what its outputs look like and how it is recognised."""
