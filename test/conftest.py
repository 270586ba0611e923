"""What holds for every test."""

import os

from hypothesis import settings

# A loaded machine takes its time over one example; pytest-timeout limits the whole test. In CI the examples are the
# same at every run: what it says is about the change. New ones are looked for wherever else the tests run.
settings.register_profile("project", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("project")
