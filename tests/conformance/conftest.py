"""Tries every plug-in that is built in or installed, once a session."""

import os

import pytest

from tiltyard.conformance import check_suite, try_methods
from tiltyard.registry import discover


@pytest.fixture(scope="session")
def found():
    """The registry that the workers find, too: without the user's own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TILTYARD_PLUGINS", "")
        yield discover(())


@pytest.fixture(scope="session")
def trials(request, found):
    """Trials of the methods whose tests were selected."""
    params = [getattr(item, "callspec", None) for item in request.session.items]
    keys = {spec.params["key"] for spec in params if spec and "key" in spec.params}
    methods = [found.implementations[key] for key in sorted(keys)]
    return try_methods(found, methods, jobs=min(2, os.cpu_count() or 1))


@pytest.fixture(scope="session")
def suite_checks(request, found):
    """The checks of a suite by name, made once."""
    made = {}

    def get(suite):
        if suite not in made:
            made[suite] = {check.name: check for check in check_suite(found, suite)}
        return made[suite]

    return get
