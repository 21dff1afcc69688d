"""How the claims on the Clarke Jacobian read their records."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from tiltyard.suites.lipschitz import claims


def records(claim, ratio, seconds=lambda _: 1.0):
    """Return records in the order of the requests, with what the functions say of each."""
    return [
        SimpleNamespace(
            status=SimpleNamespace(failed=False),
            metrics={"lower_ratio": ratio(request)},
            seconds=seconds(request),
        )
        for request in claim.plan()
        for _ in request.seeds
    ]


def by_method(**values):
    return lambda request: values[request.implementation]


def width(request):
    return int(request.problem.partition("width=")[2].partition(",")[0])


def test_plan_comes_in_the_order_that_it_is_read_in():
    plan = claims.TIGHTER.plan()
    assert [request.implementation for request in plan[:3]] == [
        "clarke_bound_propagation",
        "recurjac",
        "fast_lip",
    ]
    names = [request.problem for request in plan[::3]]
    assert names[0] == "digits-local-linf[network=16-8-8-10,radius=0.05,seed=0]"
    assert names[9] == "digits-local-linf[network=16-8-8-10,radius=0.25,seed=4]"
    assert names == [request.problem for request in plan[2::3]]
    assert len(names) == 4 * 2 * 5


def test_smaller_bounds_are_reproduced():
    found = records(
        claims.TIGHTER, by_method(clarke_bound_propagation=1.5, recurjac=3.0, fast_lip=6.0)
    )
    finding = claims.TIGHTER.measure(found)
    assert finding.verdict == "reproduced"
    assert (finding.effect, finding.low, finding.high) == pytest.approx((2.0, 2.0, 2.0))
    assert "Fast-Lip's is 4 [4, 4] times its bound" in finding.note
    row = finding.rows[-1]
    assert (row["network"], row["radius"]) == ("64-100x3-10", 0.05)
    assert row["recurjac / lower bound"] == pytest.approx(3.0)
    assert row["fast_lip / clarke_bound_propagation"] == "4 [4, 4]"


def test_both_comparisons_decide():
    found = records(
        claims.TIGHTER, by_method(clarke_bound_propagation=1.5, recurjac=3.0, fast_lip=1.5)
    )
    finding = claims.TIGHTER.measure(found)
    assert finding.verdict == "not reproduced"
    assert finding.low == pytest.approx(2.0)


def test_pairs_are_trained_networks():
    def ratio(request):
        wide = "radius=0.25" in request.problem or "radius=0.05" in request.problem
        return 4.0 if wide and request.implementation != "clarke_bound_propagation" else 1.0

    # Radii differ by as much as they can; the mean over them does not, but for one network.
    finding = claims.TIGHTER.measure(records(claims.TIGHTER, ratio))
    assert finding.effect == pytest.approx(4.0 ** (7 / 8))
    assert finding.low >= 2.0


def test_failed_runs_are_left_out_and_told():
    found = records(
        claims.TIGHTER, by_method(clarke_bound_propagation=1.0, recurjac=2.0, fast_lip=2.0)
    )
    found[0] = SimpleNamespace(status=SimpleNamespace(failed=True), metrics={}, seconds=1.0)
    finding = claims.TIGHTER.measure(found)
    assert finding.effect == pytest.approx(2.0)
    assert "1 of 120 runs failed" in finding.note


def test_branching_gets_batches_and_its_time_is_told():
    plan = claims.BRANCHING.plan()
    assert plan[0].budget.iterations == 21 + claims.BATCHES
    found = records(
        claims.BRANCHING,
        by_method(clarke_bound_propagation=1.2, clarke_branch_and_bound=1.0),
        by_method(clarke_bound_propagation=0.1, clarke_branch_and_bound=2.0),
    )
    finding = claims.BRANCHING.measure(found)
    assert finding.verdict == "reproduced"
    assert finding.effect == pytest.approx(1.2)
    assert finding.rows[0]["clarke_branch_and_bound: s"] == pytest.approx(2.0)
    assert "is 1 [1, 1] times the largest value" in finding.note


@pytest.mark.parametrize(
    ("seconds", "reached"),
    [
        ([0.1, 0.2, 0.4], 400.0),
        ([2.0, 3.0, 4.0], 100.0),
        ([0.25, 1.0, 4.0], 100.0 * math.sqrt(2.0)),
        ([0.25, 0.5, math.inf], 200.0),
    ],
    ids=["all", "none", "between", "failed"],
)
def test_reach_is_the_width_within_the_limit(seconds, reached):
    assert claims.reach((100, 200, 400), np.array(seconds), 0.5) == pytest.approx(reached)


@pytest.mark.parametrize(("power", "verdict"), [(2, "not reproduced"), (3, "reproduced")])
def test_growth_decides_what_scales_further(power, verdict):
    powers = {"clarke_bound_propagation": 2, "recurjac": power}

    def seconds(request):
        return 1e-3 * (width(request) / 16) ** powers[request.implementation]

    found = records(claims.SCALING, by_method(clarke_bound_propagation=1.0, recurjac=2.0), seconds)
    finding = claims.SCALING.measure(found)
    assert finding.verdict == verdict
    reached = {2: 16 * math.sqrt(500.0), 3: 16 * 500.0 ** (1 / 3)}
    assert finding.effect == pytest.approx(max(1.0, _ratio(reached[2], reached[power])))
    assert "depth 8: 2 to 2" in finding.note
    assert len(finding.rows) == 12


def _ratio(clarke, other):
    """Return the ratio of two reaches, cut to the widths of each depth."""
    logs = [
        np.log(np.clip(clarke, widths[0], widths[-1]) / np.clip(other, widths[0], widths[-1]))
        for widths in claims.WIDTHS.values()
    ]
    return float(np.exp(np.mean(logs)))
