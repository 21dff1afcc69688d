"""A headless Chromium of the machine's own, and a site for it to open."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
sys.path.insert(0, str(Path(__file__).parent))

from chromium import headless


@pytest.fixture(scope="session")
def chromium():
    """Return a running browser; without one, the tests are skipped."""
    with headless() as browser:
        yield browser
