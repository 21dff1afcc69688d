"""How the claims of MAID and HOAG read their records."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from tiltyard.suites.bilevel import claims_maid as claims


def record(*points, failed=False):
    """Return a run of (gap, f_y calls) checkpoints."""
    return SimpleNamespace(
        status=SimpleNamespace(failed=failed),
        checkpoints=[
            SimpleNamespace(metrics={"gap": gap}, oracles={"f_y": calls}) for gap, calls in points
        ],
    )


def runs(variants, calls):
    """Return records in the order of the requests, each of which gets to a gap of 0 at once."""
    return [record((0.0, calls(j))) for _ in claims.PROBLEMS for j in range(len(variants))]


def test_only_what_lasts_counts():
    run = record((1.0, 0), (1e-5, 10), (1.0, 20), (1e-5, 30), (1e-9, 40))
    assert claims.spent(run, 1e-4, claims.iterations) == 30
    assert claims.spent(run, 1e-8, claims.iterations) == 40
    assert claims.spent(run, 1e-10, claims.iterations) == math.inf
    assert claims.spent(record((math.nan, 1)), 1.0, claims.iterations) == math.inf
    assert claims.spent(record((0.0, 1), failed=True), 1.0, claims.iterations) == math.inf
    assert claims.iterations({"f_y": 3, "hvp": 4, "cross": 5}) == 7.0


def test_effects():
    assert claims.effect(np.array([2.0, 8.0]), np.array([1.0, 1.0]))[0] == pytest.approx(4.0)
    never = np.array([math.inf, 2.0])
    assert claims.effect(never, np.array([math.inf, 1.0]))[0] == pytest.approx(2.0)
    assert claims.effect(never[:1], np.ones(1))[0] == pytest.approx(1000.0)
    assert claims.effect(never[:1], never[:1]) == (1.0, 1e-3, 1e3)


def test_plans_come_in_the_order_that_tables_are_read_in():
    plan = claims.CHEAPER.plan()
    assert len(plan) == len(claims.PROBLEMS) * len(claims.VARIANTS)
    assert [request.parameters for request in plan[: len(claims.VARIANTS)]] == list(claims.VARIANTS)
    assert all(request.budget.seconds is None for request in plan)


@pytest.mark.parametrize(
    ("fixed", "verdict"), [(20, "reproduced"), (10, "not reproduced"), (5, "not reproduced")]
)
def test_cheaper_than_the_cheapest(fixed, verdict):
    finding = claims.CHEAPER.measure(
        runs(claims.VARIANTS, lambda j: 10 if j == 0 else fixed if j == 2 else 1000)
    )
    assert finding.verdict == verdict
    assert finding.effect == pytest.approx(fixed / 10)
    assert finding.rows[0]["parameters"] == "defaults"
    assert "100 for 0.1" in finding.note


@pytest.mark.parametrize(("worst", "verdict"), [(29, "reproduced"), (31, "not reproduced")])
def test_robust(worst, verdict):
    finding = claims.ROBUST.measure(runs(claims.STARTS, lambda j: worst if j == 3 else 10))
    assert finding.verdict == verdict


def test_inexact_cheaper():
    finding = claims.INEXACT.measure(runs(claims.SCHEDULES, lambda j: (10, 20, 30, 40)[j]))
    assert (finding.verdict, finding.effect) == ("reproduced", pytest.approx(4.0))
    assert "cubic, 1.33" in finding.note


def test_runs_that_get_nowhere_decide_nothing():
    nowhere = [record((1.0, 1)) for _ in claims.PROBLEMS for _ in claims.VARIANTS]
    finding = claims.CHEAPER.measure(nowhere)
    assert finding.verdict == "inconclusive"
    # Reports and JSON have no infinity.
    assert finding.rows[0]["to 1e-06"] == "never"
