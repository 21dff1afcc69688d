"""What runs cost, from records."""

import math

import numpy as np
import pytest
from hypothesis import given

from tests.stats.strategies import cubes
from tiltyard.errors import TiltyardError
from tiltyard.run.checkpoint import Checkpoint
from tiltyard.run.record import Record, Status
from tiltyard.stats import cost_spent, cost_to, median_of_runs, sustained
from tiltyard.stats.costs import require_costs
from tiltyard.suite import Budget


def run(spec, gaps, *, status=Status.STOPPED, **budget):
    points = [
        Checkpoint(iteration=i, seconds=float(i), oracles={"step": 10 * i}, metrics={"gap": gap})
        for i, gap in enumerate(gaps, 1)
    ]
    return Record(
        spec=spec("halve", budget=Budget(**budget)),
        status=status,
        checkpoints=points,
        seconds=len(gaps) + 0.5,
        oracles={"step": 10 * len(gaps) + 5, "unweighted": 1000},
    )


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ([1.0, 0.5, 0.1, 0.01], 3),
        ([1.0, 0.05, 0.5, 0.01], 4),  # touched the target, left it, came back
        ([0.01, 0.01], 1),
        ([0.01, 0.5], None),
        ([1.0, math.nan, 0.05], 3),
        ([], None),
    ],
)
def test_sustained_cost_is_counted_from_the_last_checkpoint_above(toy, spec, gaps, expected):
    record, suite = run(spec, gaps), toy.suite("toy")
    point = sustained(record, "gap", 0.1)
    assert (point.iteration if point else None) == expected
    cost = math.inf if expected is None else expected
    assert cost_to(suite, record, 0.1, "seconds") == cost
    assert cost_to(suite, record, 0.1, "oracles") == 10 * cost


def test_sustained_needs_a_sound_run_within_its_budget(spec):
    assert sustained(run(spec, [0.0], status=Status.TIMEOUT), "gap", 0.1) is None
    assert sustained(run(spec, [1.0, 0.0], seconds=1.5), "gap", 0.1) is None
    assert sustained(run(spec, [1.0, 0.0], seconds=2.5), "gap", 0.1).iteration == 2


def test_cost_in_oracle_calls_keeps_to_a_budget_of_calls(toy, spec):
    suite = toy.suite("toy")
    assert cost_to(suite, run(spec, [1.0, 0.0], cost=20), 0.1, "oracles") == 20
    assert cost_to(suite, run(spec, [1.0, 0.0], cost=19), 0.1, "oracles") == math.inf
    assert cost_to(suite, run(spec, [1.0, 0.0], cost=19), 0.1, "seconds") == 2


def test_cost_of_a_whole_run(toy, spec):
    suite = toy.suite("toy")
    missed = run(spec, [1.0, 1.0], seconds=9, cost=99)
    assert (cost_spent(suite, missed, "seconds"), cost_spent(suite, missed, "oracles")) == (2.5, 25)
    killed = run(spec, [1.0, 1.0], seconds=9, cost=99, status=Status.TIMEOUT)
    assert (cost_spent(suite, killed, "seconds"), cost_spent(suite, killed, "oracles")) == (9, 99)
    assert cost_spent(suite, run(spec, [1.0], status=Status.TIMEOUT), "seconds") == 1.5


def test_unsupported_runs_cost_nothing_known(toy, spec):
    record = run(spec, [], status=Status.UNSUPPORTED)
    assert math.isnan(cost_to(toy.suite("toy"), record, 0.1, "seconds"))
    assert math.isnan(cost_spent(toy.suite("toy"), record, "oracles"))


@given(cubes(axes=2))
def test_medians_are_middle_values_of_what_is_known(costs):
    for upper in (False, True):
        for row, found in zip(costs, median_of_runs(costs, upper=upper), strict=True):
            known = sorted(row[~np.isnan(row)])
            if not known:
                assert math.isnan(found)
                continue
            below, above = sum(known < found), sum(known > found)
            assert found in known
            assert (below if upper else above) <= len(known) / 2
            assert (above if upper else below) < len(known) / 2


def test_median_of_no_runs():
    assert math.isnan(median_of_runs(np.empty(0), upper=True))


def test_costs_are_checked():
    require_costs(np.array([0.0, math.inf, math.nan]), "seeds")
    with pytest.raises(TiltyardError, match="costs have 1 axes; expected 2: problems, seeds"):
        require_costs(np.zeros(3), "problems", "seeds")
    with pytest.raises(TiltyardError, match="costs hold -2; expected"):
        require_costs(np.array([1.0, -2.0, math.nan]), "seeds")
