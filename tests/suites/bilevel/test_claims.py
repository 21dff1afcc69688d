"""How the claims about stochastic methods read their records."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from tiltyard.suites.bilevel import claims, claims_rates


def record(gap=0.1, *, method="", failed=False, checkpoints=(), oracles=()):
    status = SimpleNamespace(failed=failed)
    spec = SimpleNamespace(implementation=method)
    metrics = {} if failed else {"gap": gap}
    return SimpleNamespace(
        status=status, spec=spec, metrics=metrics, checkpoints=checkpoints, oracles=dict(oracles)
    )


def contest(claim, gap):
    """Return the finding where a request's runs end at ``gap(request, seed)``; None is failure."""
    made = []
    for request in claim.plan():
        for seed in request.seeds:
            value = gap(request, seed)
            method = request.implementation
            made.append(record(value, method=method, failed=value is None))
    return claim.measure(made)


CONTESTS = (
    claims.SABA_FINITE_SUMS,
    claims.SRBA_NEAR_OPTIMAL,
    claims.STOCBIO_SAMPLES,
    claims.AMIGO_WARM_START,
)


@pytest.mark.parametrize("claim", CONTESTS, ids=lambda claim: claim.name)
def test_a_method_that_gains_more_is_reproduced_and_the_same_is_not(claim):
    ours = claim.plan()[0].implementation
    told = contest(claim, lambda request, _: 1e-4 if request.implementation == ours else 1e-2)
    assert told.verdict == "reproduced"
    assert (told.effect, told.low, told.high) == pytest.approx((2.0, 2.0, 2.0))
    assert told.note == "Ahead on 3 of 3 problems."
    same = contest(claim, lambda *_: 1e-2)
    assert (same.verdict, same.effect) == ("not reproduced", 0.0)


def test_the_rival_is_the_best_one_of_each_problem():
    gaps = {"srba": 1e-3, "saba": 1e-4, "soba": 1e-1}
    told = contest(claims.SRBA_NEAR_OPTIMAL, lambda request, _: gaps[request.implementation])
    assert told.effect == pytest.approx(-1.0)
    assert told.note == "Ahead on 0 of 3 problems."


def test_the_configuration_is_chosen_on_tuning_seeds_alone():
    def gap(request, seed):
        if request.parameters == {"step": 0.5, "outer_ratio": 1.0}:
            return 1e-5 if seed in claims.TUNING_SEEDS else 1e-1
        return 1e-2

    told = contest(claims.SABA_FINITE_SUMS, gap)
    row = next(row for row in told.rows if row["implementation"] == "saba")
    assert row["configuration"] == "step=0.5, outer_ratio=1"
    assert row["median gap"] == pytest.approx(1e-1)


def test_failure_is_the_worst_that_counts_and_the_target_the_best():
    assert claims._decades(record(failed=True)) == -1.0
    assert claims._decades(record(1e9)) == -1.0
    assert claims._decades(record(1e-12)) == pytest.approx(8.0)


def test_seeds_that_disagree_are_inconclusive():
    def gap(request, seed):
        if request.implementation == "soba":
            return 1e-2
        return 1e-4 if seed == claims.REPORTING_SEEDS[0] else 1.05e-2

    assert contest(claims.SABA_FINITE_SUMS, gap).verdict == "inconclusive"


def test_second_order_products_refute_a_first_order_method():
    claim = claims.F2SA_FIRST_ORDER
    assert contest(claim, lambda *_: 1e-2).verdict == "reproduced"
    assert contest(claim, lambda *_: 0.9).verdict == "not reproduced"
    records = [
        record(1e-2, method=request.implementation, oracles={"hvp": 64})
        for request in claim.plan()
        for _ in request.seeds
    ]
    told = claim.measure(records)
    assert told.verdict == "not reproduced"
    assert "Second-order products: 5376" in told.note


def curve(gap, slope=None, costs=range(100, 6401, 100)):
    """Return a run's record whose gap and gradient are functions of cost."""
    points = [
        SimpleNamespace(
            oracles={"F": cost},
            metrics={"gap": gap(cost), "gradient": (slope or gap)(cost)},
        )
        for cost in costs
    ]
    start = SimpleNamespace(oracles={}, metrics={"gap": 1.0, "gradient": 1.0})
    return record(gap(6400), checkpoints=[start, *points])


@pytest.mark.parametrize(
    ("gap", "ratio"),
    [
        (lambda cost: math.exp(-cost / 1000.0), 2.0),
        (lambda cost: cost**-2.0, 1.0),
        (lambda cost: 0.01 + math.exp(-cost / 100.0), 0.0),
    ],
    ids=["geometric", "power", "floor"],
)
def test_acceleration_tells_geometric_decrease_from_powers_and_floors(gap, ratio):
    assert claims_rates._acceleration(curve(gap)) == pytest.approx(ratio, abs=1e-6)


@pytest.mark.parametrize(("rate", "verdict"), [(500.0, "reproduced"), (None, "not reproduced")])
def test_the_linear_rate_claim(rate, verdict):
    def gap(cost):
        return math.exp(-cost / rate) if rate else 1.0 / cost

    plan = claims_rates.SABA_LINEAR.plan()
    runs = [curve(gap) for request in plan for _ in request.seeds]
    assert claims_rates.SABA_LINEAR.measure(runs).verdict == verdict


@pytest.mark.parametrize(
    ("order", "verdict"), [(0.4, "not reproduced"), (0.6, "reproduced"), (1.0, "reproduced")]
)
def test_the_order_of_the_squared_gradient_is_read_off(order, verdict):
    plan = claims_rates.SOBA_RATE.plan()
    runs = [curve(lambda cost: cost ** (-order / 2)) for r in plan for _ in r.seeds]
    told = claims_rates.SOBA_RATE.measure(runs)
    assert told.verdict == verdict
    assert told.effect == pytest.approx(order)


def test_plans_have_seeds_enough_and_budgets_that_replay():
    for claim in (*CONTESTS, claims.F2SA_FIRST_ORDER):
        for request in claim.plan():
            assert set(claims.REPORTING_SEEDS) <= set(request.seeds)
            assert request.budget.cost
            assert request.budget.seconds is None
    assert not set(claims.TUNING_SEEDS) & set(claims.REPORTING_SEEDS)
    assert len(set(map(len, claims.GRIDS.values()))) == 1


def test_intervals_hold_the_mean():
    values = np.random.default_rng(0).normal(1.0, 0.3, (3, 5))
    effect, low, high = claims.interval(values)
    assert low < effect < high
    assert claims.interval(np.ones((2, 5))) == (1.0, 1.0, 1.0)
