"""When a replay is the same, and what it says when it is not."""

import dataclasses
import math

import pytest

from tiltyard.run.checkpoint import Checkpoint
from tiltyard.run.record import Record, Status
from tiltyard.run.replay import _compare


@pytest.fixture
def record(spec):
    """Return a function that makes a record with these metrics at iteration 1."""

    def make(status=Status.STOPPED, **metrics):
        point = Checkpoint(iteration=1, seconds=0.5, oracles={}, metrics=metrics)
        return Record(spec=spec("halve"), status=status, checkpoints=[point])

    return make


def compare(old, new):
    lines = []
    return _compare("gap", old, new, lines), lines[-1]


def test_same_metrics_in_any_order(record):
    same, line = compare(record(gap=0.1, other=2.0), record(other=2.0, gap=0.1))
    assert (same, line) == (True, "same: 1 judged answers agree to the last bit")


def test_stored_null_stands_for_what_is_not_finite(record):
    assert compare(record(gap=0.1, other=math.nan), record(gap=0.1, other=math.inf))[0]
    assert not compare(record(gap=0.1, other=math.nan), record(gap=0.1, other=1.0))[0]


def test_last_bit_matters(record):
    same, line = compare(record(gap=0.1), record(gap=math.nextafter(0.1, 1)))
    assert (same, line) == (False, "different: the answers differ from iteration 1 on")


def test_status_matters(record):
    same, line = compare(record(gap=0.1), record(gap=0.1, status=Status.DIVERGED))
    assert (same, line) == (False, "different: stopped became diverged")


def test_iterations_that_only_one_run_was_judged_at_do_not_matter(record):
    old, new = record(gap=0.1), record(gap=0.1)
    new.checkpoints.append(dataclasses.replace(new.checkpoints[0], iteration=2))
    assert compare(old, new)[0]
