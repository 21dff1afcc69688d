"""How the claims on Super-Linear read their records."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from tiltyard.registry import registry
from tiltyard.suites.forecasting import claims
from tiltyard.suites.forecasting.claims import Ratio, both


def records(claim, gap, seconds=lambda _: 1.0, parameters=lambda _: 10):
    """Return records in the order of the requests, with what the functions say of each."""
    return [
        SimpleNamespace(
            status=SimpleNamespace(failed=False),
            metrics={"gap": gap(request, seed), "parameters": parameters(request)},
            phases={"inference": 8 * seconds(request), "fit": 2.0},
            oracles={"window": 8},
            seconds=100.0 if request.implementation == "patchtst" else 1.0,
        )
        for request in claim.plan()
        for seed in request.seeds
    ]


def gaps(**values):
    return lambda request, _: values[request.implementation]


def rate(request):
    return int(request.problem.partition("rate=")[2].partition(",")[0])


@pytest.mark.parametrize(
    ("error", "time", "verdict"),
    [
        (1.05, 10.0, "reproduced"),
        (0.8, 2.5, "reproduced"),
        (1.2, 10.0, "not reproduced"),
        (1.05, 1.5, "not reproduced"),
    ],
)
def test_near_and_cheap_are_both_needed(error, time, verdict):
    times = {"super_linear": 1.0, "patchtst": time}
    found = records(
        claims.NEAR_AT_A_FRACTION,
        gaps(super_linear=0.5 * error, patchtst=0.5),
        lambda request: times[request.implementation],
        lambda request: 20 if request.implementation == "patchtst" else 10,
    )
    finding = claims.NEAR_AT_A_FRACTION.measure(found)
    assert finding.verdict == verdict
    assert finding.effect == pytest.approx(error)
    assert f"takes {time:g} [{time:g}, {time:g}] times as long" in finding.note
    assert "100 [100, 100] times as long for a run" in finding.note
    assert "has 2 [2, 2] times as many parameters" in finding.note
    assert finding.rows[1]["ms a window"] == pytest.approx(1e3 * time)


def test_seeds_count_by_their_median():
    def gap(request, seed):
        return 0.5 if request.implementation == "super_linear" else 0.4 + 0.2 * seed

    finding = claims.NEAR_AT_A_FRACTION.measure(records(claims.NEAR_AT_A_FRACTION, gap))
    assert finding.effect == pytest.approx(1.0)


def test_errors_that_differ_between_problems_are_inconclusive():
    def gap(request, _):
        good = request.implementation == "patchtst" or "frequency=h" in request.problem
        return 0.5 if good else 0.6

    slow = {"super_linear": 1.0, "patchtst": 9.0}
    found = records(claims.NEAR_AT_A_FRACTION, gap, lambda request: slow[request.implementation])
    assert claims.NEAR_AT_A_FRACTION.measure(found).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("slope", "level", "verdict"),
    [
        (0.0, 0.6, "reproduced"),
        (0.02, 0.6, "reproduced"),
        (0.1, 0.6, "not reproduced"),
        (0.0, 1.1, "not reproduced"),
    ],
)
def test_robust_to_rates(slope, level, verdict):
    def gap(request, _):
        return level + slope * rate(request) if request.implementation == "super_linear" else 0.5

    finding = claims.ROBUST_TO_RATE.measure(records(claims.ROBUST_TO_RATE, gap))
    assert finding.verdict == verdict
    assert finding.effect == pytest.approx((level + 6 * slope) / (level + slope))
    assert [row["rate"] for row in finding.rows] == list(claims.RATES)
    assert finding.rows[-1]["super_linear"] == pytest.approx(level + 6 * slope)
    assert "1 [1, 1] times with a look-back of 96" in finding.note


@pytest.mark.parametrize(("uniform", "verdict"), [(0.6, "reproduced"), (0.4, "not reproduced")])
def test_routing(uniform, verdict):
    def gap(request, _):
        return uniform if request.parameters else 0.5

    finding = claims.ROUTING.measure(records(claims.ROUTING, gap))
    assert finding.verdict == verdict
    assert finding.effect == pytest.approx(uniform / 0.5)
    assert len(finding.rows) == len(claims.VARIED) + len(claims.RESAMPLED)


def test_ratios():
    found = Ratio.of(np.array([2.0, 8.0]), np.ones(2))
    assert found.value == pytest.approx(4.0)
    assert (found.low, found.high) == pytest.approx((2.0, 8.0))
    never = np.array([math.inf, 2.0])
    assert Ratio.of(never, np.array([math.inf, 1.0])).value == pytest.approx(2.0)
    assert Ratio.of(never[:1], np.ones(1)).value == pytest.approx(1000.0)
    assert Ratio.of(never[:1], never[:1]).most(1.1) == "inconclusive"
    assert both("reproduced", "inconclusive") == "inconclusive"
    assert both("inconclusive", "not reproduced") == "not reproduced"


@pytest.mark.parametrize(
    "claim",
    [claims.NEAR_AT_A_FRACTION, claims.ROBUST_TO_RATE, claims.ROUTING],
    ids=lambda claim: claim.name,
)
def test_what_a_claim_asks_for_is_there(claim):
    found = registry()
    for request in claim.plan():
        found.canonical("forecasting", request.problem)
        method = found.implementation("forecasting", request.implementation)
        assert set(request.parameters) <= set(method.parameters)
        assert request.budget.seconds is None
