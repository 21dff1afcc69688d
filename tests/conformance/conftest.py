"""Tries every plug-in that is built in or installed, once a session."""

import os

import pytest

from tiltyard.conformance import check_suite, try_methods
from tiltyard.registry import discover


@pytest.fixture(scope="session")
def places(tmp_path_factory):
    """Leave out the user's own folder; share one cache, which TILTYARD_CACHE may keep."""
    cache = os.environ.get("TILTYARD_CACHE") or str(tmp_path_factory.mktemp("cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TILTYARD_PLUGINS", "")
        patch.setenv("TILTYARD_CACHE", cache)
        yield


@pytest.fixture(autouse=True)
def own_places(places):
    """Take the place of the fixture of all other tests, which gives each test its own cache."""


@pytest.fixture(scope="session")
def found(places):
    """Return the registry that the workers find, too."""
    return discover(())


@pytest.fixture(scope="session")
def trials(request, found):
    """Return trials of the methods whose tests were selected."""
    asking = [item for item in request.session.items if "trials" in item.fixturenames]
    keys = {item.callspec.params["key"] for item in asking}
    methods = [found.implementations[key] for key in sorted(keys)]
    return try_methods(found, methods, jobs=min(2, os.cpu_count() or 1))


@pytest.fixture(scope="session")
def suite_checks(found):
    """Return a function that gives a suite's checks by name, made once."""
    made = {}

    def get(suite):
        if suite not in made:
            made[suite] = {check.name: check for check in check_suite(found, suite)}
        return made[suite]

    return get
