"""Time of the exact CVaR methods to a relative gap of 1e-8, in one process.

``pytest benchmarks/bench_cvar_exact.py --benchmark-group-by=group`` compares tail_ipm with
clarabel_conic at n = 10,000; ``-k million`` runs tail_ipm at n = 1,000,000 and d = 100, which takes
2 GiB and is skipped unless asked for so.
"""

import time

import numpy as np
import pytest

from tiltyard.implementations.cvar._tail import tail_risk
from tiltyard.implementations.cvar.clarabel_conic import clarabel_conic
from tiltyard.implementations.cvar.tail_ipm import tail_ipm
from tiltyard.suites.cvar.problem import CVaRProblem

GAP = 1e-8


def make(loss, n, d, beta, mu):
    rng = np.random.default_rng(0)
    A = rng.standard_normal((n, d))
    A[:, -1] = 1.0
    signal = A @ rng.standard_normal(d)
    y = signal + rng.lognormal(size=n)
    if loss == "logistic":
        y = np.where(signal + 0.1 * rng.standard_normal(n) > 0, 1.0, -1.0)
    return CVaRProblem(A=A, y=y, loss=loss, beta=beta, mu=mu).on("cpu")


def objective(problem, w):
    risk, _ = tail_risk(problem.losses(w), problem.p, problem.beta)
    return risk + problem.mu / 2 * float(w @ w)


def seconds_to(problem, method, optimum):
    """Return the method's own seconds to the gap, and the gap it reached."""
    start = objective(problem, problem.start()[0])
    answers = method.function(problem, np.random.default_rng(0))
    seconds, gap = 0.0, np.inf
    while gap > GAP:
        begin = time.perf_counter()
        answer = next(answers, None)
        seconds += time.perf_counter() - begin
        if answer is None:
            break
        gap = (objective(problem, answer[0]) - optimum) / (start - optimum)
    return seconds, gap


def once(benchmark, problem, method, optimum):
    """Record the seconds to the gap beside the benchmark's own, which include its judging."""
    seconds, gap = benchmark.pedantic(
        seconds_to, args=(problem, method, optimum), rounds=1, warmup_rounds=0
    )
    benchmark.extra_info |= {"seconds_to_gap": seconds, "gap": gap}
    assert gap <= GAP


CASES = [
    (loss, d, beta, mu)
    for loss in ("abs", "sq", "logistic")
    for d in (10, 100)
    for beta in (0.9, 0.95, 0.99)
    for mu in (1e-3, 0.0)
    if loss != "logistic" or (d == 10 and beta < 0.99)
]


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request):
    loss, d, beta, mu = request.param
    problem = make(loss, 10_000, d, beta, mu)
    *_, (w, _) = tail_ipm.function(problem, np.random.default_rng(0))
    return problem, objective(problem, w), str(request.param)


@pytest.mark.parametrize("method", [tail_ipm, clarabel_conic], ids=lambda method: method.name)
def test_ten_thousand(benchmark, case, method):
    problem, optimum, benchmark.group = case
    once(benchmark, problem, method, optimum)


@pytest.mark.parametrize("loss", ["abs", "sq", "logistic"])
def test_million(benchmark, request, loss):
    if "million" not in request.config.getoption("keyword"):
        pytest.skip("takes minutes and 2 GiB: ask by -k million")
    problem = make(loss, 1_000_000, 100, 0.95, 1e-3)
    *_, (w, _) = benchmark.pedantic(
        lambda: list(tail_ipm.function(problem, np.random.default_rng(0))), rounds=1
    )
    benchmark.extra_info["objective"] = objective(problem, w)
