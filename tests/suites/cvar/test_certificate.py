"""Every bound holds, whatever dual point it is made from."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiltyard.errors import TiltyardError
from tiltyard.suites.cvar._risk import Instance, project_simplex, tail_weights
from tiltyard.suites.cvar.certificate import Bracket, Dual, lower_bound, minimiser_radius, repair

LOSSES = ("abs", "sq", "logistic", "linear", "pinball")
KINDS = [
    (loss, domain, mu)
    for loss, domain, mu in itertools.product(LOSSES, ("free", "simplex"), (0.0, 0.2))
    if not (domain == "free" and mu == 0.0 and loss in ("linear", "logistic"))
]


@pytest.mark.parametrize(("loss", "domain", "mu"), KINDS)
@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), weighted=st.booleans(), size=st.sampled_from([0.1, 1.0, 10.0]))
def test_bound_is_below_every_objective(small, loss, domain, mu, seed, weighted, size):
    rng = np.random.default_rng(seed)
    problem = small(loss, domain=domain, mu=mu, weighted=weighted, seed=seed)
    instance = Instance.of(problem)
    dual = repair(instance, Dual.of(rng.exponential(size=problem.n), rng.normal(size=problem.n)))
    radius = minimiser_radius(instance, instance.objective(instance.start()))
    bound = lower_bound(instance, dual, radius)
    w = size * rng.standard_normal(problem.d)
    w = project_simplex(w) if domain == "simplex" else w
    # The bound is one of the optimal value, so w may lie outside the radius.
    assert bound <= instance.objective(w) + 1e-12


@given(st.data())
def test_repair_lands_in_the_risk_envelope(data):
    seed = data.draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 30))
    p = rng.exponential(size=n)
    beta = data.draw(st.sampled_from([0.0, 0.5, 0.95]))
    instance = Instance(
        np.ones((n, 1)), np.ones(n), p / p.sum(), "abs", beta, 0.1, "free", 1.0, 1.0
    )
    rows = np.flatnonzero(rng.random(n) < 0.5)
    q = data.draw(st.sampled_from([0.0, 1e-9, 1.0, 1e6])) * rng.normal(size=len(rows))
    dual = repair(instance, Dual(rows, q, 10 * rng.normal(size=len(rows))))
    assert dual.q.sum() == pytest.approx(1.0, abs=1e-14)
    assert dual.q.min() >= 0
    assert (dual.q <= instance.cap[dual.rows] * (1 + 1e-14)).all()
    assert np.abs(dual.t).max() <= 1


def test_repair_hardly_moves_a_feasible_point(small):
    instance = Instance.of(small("sq"))
    losses = instance.values(instance.products(np.ones(3)))
    q = tail_weights(losses, instance.p, instance.beta)
    dual = Dual.of(q, losses)
    assert repair(instance, dual).q == pytest.approx(dual.q, abs=1e-15)


@pytest.mark.parametrize("loss", ["abs", "sq", "pinball"])
def test_radius_holds_a_minimiser(small, loss):
    from tiltyard.suites.cvar._solver import solve

    instance = Instance.of(small(loss, mu=0.0, weighted=True))
    found = solve(instance)
    assert np.linalg.norm(found.w) <= minimiser_radius(instance, found.upper)


@pytest.mark.parametrize("loss", ["linear", "logistic"])
def test_no_minimiser_is_promised_where_there_may_be_none(small, loss):
    with pytest.raises(TiltyardError, match="needs mu > 0"):
        Bracket(Instance.of(small(loss, mu=0.0)))


def test_bracket_keeps_the_best(small):
    instance = Instance.of(small("sq"))
    bracket = Bracket(instance)
    start = bracket.upper
    assert not bracket.offer(np.full(3, np.nan))
    assert not bracket.offer(np.full(3, 1e200))
    assert not bracket.offer_dual(Dual(np.arange(2), np.array([np.nan, 1.0]), np.zeros(2)))
    assert bracket.upper == start
    assert bracket.lower == -np.inf
