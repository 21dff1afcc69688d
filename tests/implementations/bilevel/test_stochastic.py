"""The stochastic bilevel methods: limits that are known, estimators, counts, seeds, divergence."""

import importlib
import itertools

import numpy as np
import pytest
import torch

from tiltyard.implementations.bilevel import _stochastic as shared
from tiltyard.implementations.bilevel._saga import Table, Tables
from tiltyard.implementations.bilevel._stochastic_scale import Steps, measured_steps, penalised
from tiltyard.suites.bilevel.problem import BilevelProblem
from tiltyard.suites.bilevel.quadratic import quad

SINGLE = ("soba", "saba", "fsla", "ttsa", "srba")
METHODS = (*SINGLE, "amigo", "stocbio", "sustain", "mrbo", "vrbo", "f2sa")
N = 40
"""Samples of each level; not a multiple of 16."""


def method(name):
    return getattr(importlib.import_module(f"tiltyard.implementations.bilevel.{name}"), name)


def make(conditioning=3.0, **more):
    rng = np.random.default_rng(3)
    parameters = {"dim_x": 3, "dim_y": 4, "samples": N, "conditioning": conditioning, **more}
    return quad.build(rng, **parameters)


def closed_form(problem):
    """Return the solution x* and a function of x that gives grad Phi(x)."""
    arrays = problem.model.arrays
    A, C, a, E, H, K, e, h = (arrays[f"mean_{name}"] for name in "ACaEHKeh")
    J = -np.linalg.solve(A, C.T)
    y0 = -np.linalg.solve(A, a)
    bend = H + K @ J + J.T @ K.T + J.T @ E @ J
    slope = h + K @ y0 + J.T @ (E @ y0 + e)
    return np.linalg.solve(bend, -slope), lambda x: bend @ x + slope


def answers(name, problem, count, seed=0, **parameters):
    run = method(name).function(problem, np.random.default_rng(seed), **parameters)
    return list(itertools.islice(run, count))


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("soba", {"decay": 0.0, "outer_ratio": 0.5}),
        ("saba", {"outer_ratio": 0.3}),
        ("saba", {"outer_ratio": 0.5, "batch_size": 20}),
        ("fsla", {"decay": 0.0, "eta": 0.5, "outer_ratio": 0.5}),
        ("srba", {"outer_ratio": 0.3}),
        ("srba", {"outer_ratio": 0.5, "batch_size": 20}),
        ("amigo", {"outer_ratio": 0.5}),
        ("stocbio", {"terms": 45, "step": 1.0, "inner_steps": 3}),
        ("mrbo", {"decay": 0.0, "terms": 45, "step": 1.0, "outer_ratio": 0.4}),
        ("vrbo", {"terms": 45, "step": 1.0, "inner_steps": 2, "outer_ratio": 0.7}),
    ],
)
def test_without_noise_every_method_reaches_the_closed_form(name, more):
    """On all samples, or with the noise reduced to nothing, constant steps converge to x*."""
    problem = make()
    found = answers(name, problem.on("cpu"), 400, **{"batch_size": N, **more})[-1]
    best, _ = closed_form(problem)
    np.testing.assert_allclose(found["x"].numpy(), best, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", ["ttsa", "sustain"])
def test_random_truncation_converges_to_within_its_noise(name):
    """The truncated series is random even on all samples, and its steps must fall."""
    problem = make()
    best, _ = closed_form(problem)
    found = answers(name, problem.on("cpu"), 600, batch_size=N, terms=10)[-1]["x"].numpy()
    start = problem.model.arrays["x0"]
    assert np.linalg.norm(found - best) < 0.2 * np.linalg.norm(start - best)


def test_f2sa_converges_to_the_penalised_optimum_whose_bias_falls_with_the_multiplier():
    problem = make()
    best, _ = closed_form(problem)
    away = []
    for multiplier in (10.0, 100.0):
        more = {"multiplier": multiplier, "decay": 0.0, "step": 1.0, "batch_size": N}
        found = answers("f2sa", problem.on("cpu"), 500, inner_steps=20, **more)[-1]
        away.append(np.linalg.norm(found["x"].numpy() - best))
    assert 6.0 < away[0] / away[1] < 14.0


@pytest.mark.parametrize("name", METHODS)
def test_defaults_make_progress_on_minibatches(name):
    problem = make(conditioning=10.0)
    _, gradient = closed_form(problem)
    found = answers(name, problem.on("cpu"), 60, batch_size=16)
    sizes = [np.linalg.norm(gradient(found[i]["x"].numpy())) for i in (0, -1)]
    assert sizes[1] < 0.8 * sizes[0]


@pytest.mark.parametrize("name", METHODS)
def test_seeds_decide_everything(name):
    problem = make()
    x = [
        answers(name, problem.on("cpu"), 4, seed=seed, batch_size=16)[-1]["x"] for seed in (1, 1, 2)
    ]
    assert torch.equal(x[0], x[1])
    assert not torch.equal(x[0], x[2])


@pytest.mark.parametrize("name", METHODS)
def test_the_first_answer_is_the_start_and_later_ones_are_left_alone(name):
    problem = make()
    found = answers(name, problem.on("cpu"), 3, batch_size=16)
    kept = [answer["x"].clone() for answer in found]
    assert torch.equal(found[0]["x"], problem.on("cpu").start()[0])
    more = method(name).function(problem.on("cpu"), np.random.default_rng(0), batch_size=16)
    again = [next(more) for _ in range(3)]
    for _ in range(3):
        next(more)
    for answer, copy in zip(again, kept, strict=True):
        assert torch.equal(answer["x"], copy)


B, EVERY = 16, shared.EVERY
COUNTS = {
    "soba": {"f_y": B * EVERY, "hvp": B * EVERY, "cross": B * EVERY, "F_y": B * EVERY},
    "amigo": {"f_y": 10 * B, "hvp": 10 * B, "cross": B, "F_x": B, "F_y": B},
    "stocbio": {"f_y": 10 * B, "hvp": 10 * B, "cross": B, "F_x": B, "F_y": B},
    # The old point is evaluated on the same rows, for x alone.
    "fsla": {"f_y": B * EVERY, "hvp": B * EVERY, "F_y": B * EVERY, "cross": 2 * B * EVERY},
    "mrbo": {"f_y": 2 * B, "hvp": 20 * B, "cross": 2 * B, "F_x": 2 * B, "F_y": 2 * B},
    "f2sa": {"f_y": 20 * B, "f_x": 2 * B, "F_y": 10 * B, "F_x": B},
    # No restart between the second answer and the third: eleven corrections at two points.
    "vrbo": {"f_y": 22 * B, "hvp": 220 * B, "cross": 22 * B, "F_x": 22 * B, "F_y": 22 * B},
}


@pytest.mark.parametrize("name", COUNTS)
def test_a_step_charges_what_the_algorithm_evaluates(name):
    problem = make().on("cpu")
    more = {"period_frac": 100.0} if name == "vrbo" else {}
    run = method(name).function(
        problem, np.random.default_rng(0), batch_size=B, scaled=False, step=0.1, **more
    )
    for _ in range(2):
        next(run)
    before = dict(problem.ledger.oracles)
    next(run)
    spent = {key: calls - before[key] for key, calls in problem.ledger.oracles.items()}
    assert spent.items() >= COUNTS[name].items()
    assert set(spent) == set(COUNTS[name]) | {"F_x"}


def test_srba_evaluates_all_samples_once_a_period_and_two_points_otherwise():
    problem = make().on("cpu")
    run = method("srba").function(
        problem, np.random.default_rng(0), batch_size=B, scaled=False, period_frac=1.0
    )
    for _ in range(2):
        next(run)
    full = EVERY // (2 * N // B)
    assert problem.ledger.oracles["hvp"] == full * N + (EVERY - full) * 2 * B


def test_table_is_unbiased_and_exact_once_full():
    """The mean of the direction over the batch drawn, each of weight w, is the fresh mean."""
    rng = np.random.default_rng(0)
    old, fresh = (torch.from_numpy(rng.standard_normal((3, 5))) for _ in range(2))
    weights = [0.5, 0.3, 0.2]
    mean = torch.tensor(weights, dtype=torch.float64) @ fresh
    found = [Table(old.clone(), weights).exchange(b, fresh[b]) for b in range(3)]
    torch.testing.assert_close(torch.stack(found).mean(dim=0), mean, rtol=1e-13, atol=1e-13)
    table = Table(fresh.clone(), weights)
    torch.testing.assert_close(table.exchange(1, fresh[1]), mean, rtol=1e-13, atol=1e-13)


def test_tables_filled_at_a_point_give_full_directions_there_and_partition_the_samples():
    problem = make().on("cpu")
    tables = Tables(problem, 16, np.random.default_rng(0))
    for rows in tables._rows.values():
        assert sorted(torch.cat(rows).tolist()) == list(range(N))
    point = tuple(torch.randn(d, dtype=torch.float64) for d in (3, 4, 4))
    tables.fill(*point)
    expected = shared.directions(problem, point, None, None)
    for found, full in zip(tables.directions(*point), expected, strict=True):
        torch.testing.assert_close(found, full, rtol=1e-11, atol=1e-11)


def test_tables_stay_below_their_bound(monkeypatch):
    monkeypatch.setattr("tiltyard.implementations.bilevel._saga.TABLE", 2 * N)
    problem = make().on("cpu")
    tables = Tables(problem, 1, np.random.default_rng(0))
    widths = {"lower": 2 * 4 + 3, "upper": 4 + 3}
    entries = sum(len(rows) * widths[level] for level, rows in tables._rows.items())
    assert entries <= 2 * N + sum(widths.values())
    tables.fill(*(torch.zeros(d, dtype=torch.float64) for d in (3, 4, 4)))


def test_full_momentum_weight_is_plain_stochastic_descent():
    """STORM with eta = 1 forgets: its steps are those of the fresh estimates alone."""
    problem = make().on("cpu")
    found = answers("mrbo", problem, 6, scaled=False, step=0.1, eta=1.0, decay=0.0, batch_size=B)
    rng = np.random.default_rng(0)
    lower, upper = (shared.batches(problem, level, B, rng) for level in ("lower", "upper"))
    x, y = problem.start()
    for answer in found[1:]:
        rows = next(lower)
        sample = shared.full_series(lower, upper, 10)
        (d,) = shared.hypergradients(problem, [(x, y)], 0.1, sample, shared.neumann_sum)
        x, y = x - 0.1 * d, y - 0.1 * problem.lower_gradient_y(x, y, rows)
        torch.testing.assert_close(answer["x"], x, rtol=1e-12, atol=1e-12)


def test_neumann_series_tend_to_the_inverse_hessian():
    problem = make().on("cpu")
    point = problem.start()
    b = torch.randn(4, dtype=torch.float64)
    exact = torch.linalg.solve(problem.model.on("cpu")._mean("A", None), b)
    long = shared.Sample(None, None, [None] * 200)
    (found,) = shared.neumann_sum(problem, [point], [b], 1.0, long)
    torch.testing.assert_close(found, exact, rtol=1e-10, atol=1e-10)
    # A random term, scaled, is the sum on average.
    terms = [
        shared.neumann_term(problem, [point], [b], 0.5, shared.Sample(None, None, [None] * p, 8))[0]
        for p in range(8)
    ]
    (total,) = shared.neumann_sum(problem, [point], [b], 0.5, shared.Sample(None, None, [None] * 7))
    torch.testing.assert_close(torch.stack(terms).mean(dim=0), total, rtol=1e-12, atol=1e-12)


def test_spider_is_exact_on_all_samples():
    problem = make().on("cpu")
    steps = Steps(0.5, 0.1)
    start = problem.start()
    spider = shared.Spider(problem, steps, start)
    spider.restart(start, 5)
    point = (start[0] + 1.0, start[1] - 1.0)
    sample = shared.Sample(None, None, [None] * 5)
    spider.correct(point, None, sample)
    (full,) = shared.hypergradients(problem, [point], 0.5, sample, shared.neumann_sum)
    torch.testing.assert_close(spider.direction, full, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        spider.slope, problem.lower_gradient_y(*point), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("conditioning", [3.0, 100.0])
def test_steps_are_in_units_of_the_curvature(conditioning):
    problem = make(conditioning=conditioning).on("cpu")
    steps = measured_steps(problem, np.random.default_rng(0), 0.5, 2.0, scaled=True)
    assert steps.lower == pytest.approx(0.5, rel=1e-3)
    _, gradient = closed_form(problem)
    bend = np.linalg.norm([gradient(x) - gradient(np.zeros(3)) for x in np.eye(3)], 2)
    assert 0.1 < steps.upper * 4.0 * conditioning * bend < 40.0
    faster = measured_steps(problem, np.random.default_rng(0), 0.5, 2.0, scaled=True, inner=10**6)
    assert faster.upper == pytest.approx(conditioning * steps.upper, rel=1e-2)


def test_the_penalty_alone_sets_the_units_of_f2sa():
    problem = make().on("cpu")

    def estimate(probe, x):
        return penalised(probe, x, multiplier=10.0)

    measured_steps(problem, np.random.default_rng(0), 0.5, 1.0, scaled=True, estimate=estimate)
    assert "hvp" not in problem.ledger.oracles
    assert "cross" not in problem.ledger.oracles


@pytest.mark.parametrize("name", METHODS)
def test_absurd_steps_give_answers_that_are_not_finite(name):
    problem = make().on("cpu")
    run = method(name).function(problem, np.random.default_rng(0), step=1e9, scaled=False)
    found = list(itertools.islice(run, 60))
    assert found[0]["x"].isfinite().all()
    assert not found[-1]["x"].isfinite().all()


def test_steps_follow_a_growing_bound_of_the_curvature():
    class Growing:
        facts = {"curvature": True}  # noqa: RUF012 - a stub

        def start(self):
            return torch.zeros(1), torch.zeros(1)

        def curvature(self, x):
            return 1.0, 4.0 + float(x.max())

    steps = Steps(0.5, 0.1, Growing(), largest=2.0)
    steps.follow(torch.full((1,), 6.0))
    assert (steps.lower, steps.upper) == pytest.approx((0.125, 0.025))
    steps.follow(torch.full((1,), -6.0))
    assert (steps.lower, steps.upper) == (0.5, 0.1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", METHODS)
def test_devices_agree(name):
    problem = make()
    x = [answers(name, problem.on(device), 5, batch_size=16)[-1]["x"] for device in ("cpu", "cuda")]
    torch.testing.assert_close(x[1].cpu(), x[0], rtol=1e-8, atol=1e-10)


def test_one_sample_is_a_problem_too():
    problem = make(samples=1)
    assert isinstance(problem, BilevelProblem)
    best, _ = closed_form(problem)
    found = answers("saba", problem.on("cpu"), 400, outer_ratio=0.3)[-1]
    np.testing.assert_allclose(found["x"].numpy(), best, rtol=0, atol=1e-6)
