"""Fixtures for tests of reports: toy records, a store of them, and the site of that store."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pages import Page
from toy_store import fill

from tiltyard.store import Store


@pytest.fixture
def site(toy, tmp_path):
    """Return a function that writes the site of records and returns its pages by name."""
    from tiltyard.report.site import write_site

    def write(records, registry=toy, out=None, history=()):
        out = out or tmp_path / "deep" / "out"
        path = tmp_path / "store.db"
        path.unlink(missing_ok=True)
        with Store(fill(path, records), readonly=True) as store:
            assert write_site(registry, store, out, history) == out / "index.html"
        return {
            path.relative_to(out).as_posix(): Page(path.read_text("utf-8"))
            for path in sorted(out.rglob("*.html"))
        }

    return write
