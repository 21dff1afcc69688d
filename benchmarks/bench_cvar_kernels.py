"""Time of 10 000 steps of the cvar suite's compiled loops, beside a plain Python loop.

Run with ``pytest benchmarks/bench_cvar_kernels.py``; compilation is outside the clock. The time of
a sample is the median divided by ``extra_info["samples"]``.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tiltyard.implementations.cvar import _kernels as kernels
from tiltyard.implementations.cvar import _stochastic as stochastic
from tiltyard.implementations.cvar._state import Descent, Model, Reference, SetPlayer
from tiltyard.suites.cvar.problem import CVaRProblem

SAMPLES = 10_000


@pytest.fixture(params=[11, 101], ids=["d=11", "d=101"])
def problem(request):
    rng = np.random.default_rng(0)
    A = rng.standard_normal((1000, request.param))
    y = A.sum(axis=1) + rng.standard_normal(1000)
    return CVaRProblem(A=A, y=y, loss="sq", beta=0.95, mu=1e-3).on("cpu")


@pytest.fixture
def timed(benchmark):
    def run(function, samples=SAMPLES):
        benchmark.extra_info["samples"] = samples
        benchmark.pedantic(function, rounds=20, warmup_rounds=1)

    return run


def picks_of(problem):
    return np.random.default_rng(0).integers(problem.n, size=SAMPLES)


@pytest.mark.parametrize("prox", [False, True], ids=["subgradient", "prox-linear"])
def test_model_steps(timed, problem, prox):
    rows, point, picks = stochastic.rows_of(problem), *_start(problem)
    model = Model(1e-3, 1e-3, 20.0, 1e-3, prox, simplex=False)
    timed(lambda: kernels.model_steps(rows, picks, point, model))


def test_minibatch_steps(timed, problem):
    rows, point, _ = stochastic.rows_of(problem), *_start(problem)
    batches = picks_of(problem)[: 78 * 128].reshape(78, 128)
    velocity, descent = np.zeros(problem.d), Descent(1e-3, 0.9, 6.4, 1e-3)
    timed(lambda: kernels.minibatch_steps(rows, batches, point, velocity, descent), batches.size)


def test_variance_reduced_steps(timed, problem):
    rows, point, picks = stochastic.rows_of(problem), *_start(problem)
    n, d = problem.A.shape
    at = Reference(np.zeros(n), np.ones(n), np.zeros(d), 1e-4, 1e-3)
    timed(lambda: kernels.variance_reduced_steps(rows, picks, point.w, at))


def test_set_player_steps(timed, problem):
    rows, point, _ = stochastic.rows_of(problem), *_start(problem)
    uniforms = np.random.default_rng(0).random(SAMPLES)
    tree = np.zeros(2048)
    tree[1024 : 1024 + problem.n] = 0.05
    for level in (256, 64, 16, 4, 1):
        for node in range(level, 2 * level):
            tree[node] = tree[4 * node : 4 * node + 4].sum()
    player = SetPlayer(np.zeros(1000), tree, np.zeros(1000), -3.0, 0.05, 0.1, 0.0, 1.0)
    timed(lambda: kernels.set_player_steps(rows, uniforms, point, player, (1e-3, 1e-3)))


def test_plain_python_loop(timed, problem):
    def subgradient_steps():
        w, alpha = np.zeros(problem.d), 0.0
        for t, i in enumerate(picks_of(problem)[:1000]):
            step = 1e-3 / math.sqrt(t + 1.0)
            a = problem.A[i]
            residual = a @ w - problem.y[i]
            eta = 20.0 if 0.5 * residual**2 > alpha else 0.0
            w = (w - step * eta * residual * a) / (1.0 + step * 1e-3)
            alpha -= step * (1.0 - eta)

    timed(subgradient_steps, 1000)


def _start(problem):
    return stochastic.start_point(problem), picks_of(problem)
