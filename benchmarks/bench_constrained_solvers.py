"""Time of constrained solvers to the judge's gap of 1e-6, their oracles apart, in one process.

``pytest benchmarks/bench_constrained_solvers.py -k small`` compares our own solvers with Ipopt and
the other peers on small native problems, ``-k sparse`` on the sparse families with n of 1,000,
``-k growth`` follows time as n grows to 100,000. A benchmark's own time is that of the whole run
with judging; ``extra_info`` holds the method's seconds to the gap, and how many of them its
oracles took. At the end the geometric mean of solver time over Ipopt's is printed.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict

import numpy as np
import pytest

from tiltyard.registry import registry
from tiltyard.run.driver import Run
from tiltyard.suite import Budget

GAP = 1e-6
LIMIT = 60.0
METHODS = ("primal_dual_interior_point", "sqp", "augmented_lagrangian", "ipopt", "uno_filtersqp")
SMALL = (
    "hs6", "hs7", "hs28", "hs35", "hs39", "hs40", "hs42", "hs43", "hs48", "hs50", "hs52", "hs65",
    "hs71", "hs73", "hs76", "hs77", "hs78", "hs79", "hs83", "hs93", "hs100", "hs104", "hs113",
    "bt3", "bt5", "bt11", "genhs28",
)  # fmt: skip
SPARSE = ("lukvle1", "lukvle3", "dtoc4", "dtoc5", "hager1", "clnlbeam", "svanberg", "cvxqp1")
GROWTH = ("lukvle1", "dtoc5", "hager1")
SIZES = (100, 1_000, 10_000, 100_000)

_solver_seconds: dict[str, dict[str, float]] = defaultdict(dict)


def sized(family, n):
    """Return the name of the problem of a family's tiers whose size is nearest."""
    sizes = registry().family("constrained", family).tiers["full"]
    ((parameter, size),) = min(
        (one.items() for one in sizes), key=lambda items: abs(math.log(min(items)[1] / n))
    )
    return f"{family}[{parameter}={size}]"


@pytest.fixture(scope="module", autouse=True)
def geometric_means():
    yield
    for method in METHODS:
        ratios = [
            math.log(times[method] / times["ipopt"])
            for times in _solver_seconds.values()
            if method in times and "ipopt" in times
        ]
        if ratios and method != "ipopt":
            ratio = math.exp(np.mean(ratios))
            line = f"{method} / ipopt: {ratio:.2f} over {len(ratios)} problems both solve"
            sys.stdout.write(f"\n{line}\n")


def solve(problem, judge, method):
    """Return the seconds of a run to the gap, those of its oracles, and the gap it reached."""
    suite = registry().suite("constrained")
    points = []
    run = Run(suite, method, problem, judge, budget=Budget(seconds=LIMIT), report=points.append)
    outcome = run.drive(np.random.default_rng(0), method.parameters)
    reached = [point for point in points if point.metrics["gap"] <= GAP]
    share = outcome.phases.get("oracles", 0.0) / max(outcome.seconds, 1e-12)
    seconds = reached[0].seconds if reached else math.inf
    gap = points[-1].metrics["gap"] if points else math.inf
    return seconds, share * seconds, gap


def measure(benchmark, name, method, rounds=3):
    suite, found = registry().suite("constrained"), registry().implementation("constrained", method)
    problem = registry().build("constrained", name)
    reason = found.unsupported(problem, "cpu")
    if reason:
        pytest.skip(reason)
    judge = suite.judge(problem)
    benchmark.group = name
    runs = []
    benchmark.pedantic(
        lambda: runs.append(solve(problem.on("cpu"), judge, found)),
        rounds=rounds,
        warmup_rounds=min(1, rounds - 1),
    )
    seconds, oracles, gap = min(runs)
    benchmark.extra_info |= {"seconds_to_gap": seconds, "oracle_seconds": oracles, "gap": gap}
    if math.isfinite(seconds):
        _solver_seconds[name][method] = max(seconds - oracles, 1e-7)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", SMALL)
def test_small(benchmark, name, method):
    measure(benchmark, name, method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", SPARSE)
def test_sparse(benchmark, family, method):
    measure(benchmark, sized(family, 1_000), method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("family", GROWTH)
def test_growth(benchmark, family, n, method):
    measure(benchmark, sized(family, n), method, rounds=1)
