"""Every plug-in keeps its contract; a new one gets these tests by existing."""

import pytest

from tiltyard.conformance import (
    DATASET_CHECKS,
    FAMILY_CHECKS,
    IMPLEMENTATION_CHECKS,
    SUITE_CHECKS,
    check_dataset,
    check_family,
    check_implementation,
)
from tiltyard.registry import discover

FOUND = discover(())

pytestmark = pytest.mark.timeout(900)  # the first test of a kind does the work of all


def demand(check):
    if check.outcome == "skipped":
        pytest.skip(check.detail)
    assert check.ok, check.detail


def test_no_plugin_is_broken():
    assert FOUND.broken == []


@pytest.mark.parametrize("check", IMPLEMENTATION_CHECKS)
@pytest.mark.parametrize("key", sorted(FOUND.implementations), ids="/".join)
def test_implementation(found, trials, key, check):
    checks = check_implementation(found, *key, trial=trials[key])
    demand(next(made for made in checks if made.name == check))


@pytest.mark.parametrize("check", SUITE_CHECKS)
@pytest.mark.parametrize("suite", sorted(FOUND.suites))
def test_suite(suite_checks, suite, check):
    demand(suite_checks(suite)[check])


@pytest.mark.parametrize("family", sorted(FOUND.families), ids="/".join)
def test_family(found, family):
    checks = check_family(found, *family)
    assert [check.name for check in checks] == list(FAMILY_CHECKS)
    assert [check for check in checks if not check.ok] == []


@pytest.mark.parametrize("check", DATASET_CHECKS)
@pytest.mark.parametrize("dataset", sorted(FOUND.datasets))
def test_dataset(found, dataset, check):
    demand(next(made for made in check_dataset(found, dataset) if made.name == check))
