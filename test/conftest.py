"""What holds for every test."""

from hypothesis import settings

# A loaded machine takes its time over one example; pytest-timeout limits the whole test.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")
