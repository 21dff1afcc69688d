"""What the report shows of a history."""

import math

import pytest

from tests.history.conftest import smoke
from tiltyard.errors import TiltyardError
from tiltyard.report.past import read_series


@pytest.fixture
def past(scratch, tmp_path):
    """Return a function that stores a commit of each of these factors of time, and its series."""

    def make(factors, **others):
        for index, factor in enumerate(factors):
            commit = scratch.commit(str(index))
            records = smoke(seeds=7, factor=factor, **others)
            scratch.add(scratch.store(tmp_path / f"{commit}.db", records))
        return {one.name: one for one in read_series(scratch.folder)}

    return make


NAME = "toy.track_seconds_to_1e_1, line[x0=1.0,instance=0], halve"


def test_a_slowdown_is_marked_where_it_began(past, scratch):
    found = past([1.0, 1.01, 0.99, 1.0, 5.0, 5.01, 5.0])
    one = found[NAME]
    assert one.regressions == [4]
    assert one.group == "toy"
    assert one.unit == "seconds"
    assert one.commits[-1] == scratch.git("rev-parse", "HEAD")
    assert one.values[0] == pytest.approx(8e-3)
    assert "Python 3." in one.conditions


def test_series_that_never_change_are_left_out(past):
    found = past([1.0, 2.0])
    assert set(found) == {NAME, NAME.replace("1e_1", "1e_2")}


def test_a_commit_without_results_is_no_gap_and_one_without_a_value_is(past, scratch, tmp_path):
    past([1.0, 1.1])
    scratch.commit("not measured")
    commit = scratch.commit("other method only")
    scratch.add(scratch.store(tmp_path / f"{commit}.db", smoke("noisy")))
    one = {one.name: one for one in read_series(scratch.folder)}[NAME]
    assert len(one.values) == 3
    assert math.isnan(one.values[-1])


def test_without_results(scratch):
    with pytest.raises(TiltyardError, match="no results of asv"):
        read_series(scratch.folder)
