"""Costs of the bilevel suite's oracles, and how methods reach the suite's anchors.

``pytest benchmarks/bench_bilevel.py -k oracles`` times every oracle of a problem over all samples;
``extra_info`` holds its cost in evaluations of f, to be held against the weights that the suite
declares. ``-k anchors`` runs methods on problems whose optimum is known, 60 s each at most, and
notes the seconds and the weighted oracle calls to gaps of 1e-1 to 1e-8. At the end all are printed.
"""

from __future__ import annotations

import sys
from time import perf_counter

import pytest

from tiltyard.registry import generator, registry
from tiltyard.run.driver import Run
from tiltyard.suite import Budget

LIMIT = 60.0
ORACLES = (
    "f", "F", "f_x", "f_y", "F_x", "F_y", "hvp", "cross",
)  # fmt: skip
PROBLEMS = (
    "quad[samples=256,conditioning=100]", "maid-quad", "tv2", "mlr-digits", "clean-digits", "llsc",
)  # fmt: skip
ANCHORS = {
    "tv2": ("maid", "hoag", "implicit_lbfgs", "aid_cg"),
    "maid-quad": ("maid", "hoag", "implicit_lbfgs", "aid_cg"),
    "clean-digits[corruption=0.5]": ("maid", "hoag", "implicit_lbfgs", "soba", "saba", "f2sa"),
    "llc[n=100]": ("lv_hba", "blocc"),
}

_told: list[str] = []


@pytest.fixture(scope="module", autouse=True)
def table():
    yield
    sys.stdout.write("\n" + "\n".join(_told) + "\n")


def seconds_of(call, repeat=5):
    """Return the least of a few timings, each of enough calls to fill two milliseconds."""
    call()
    start = perf_counter()
    call()
    count = max(1, int(2e-3 / (perf_counter() - start)))
    times = []
    for _ in range(repeat):
        start = perf_counter()
        for _ in range(count):
            call()
        times.append((perf_counter() - start) / count)
    return min(times)


@pytest.mark.parametrize("name", PROBLEMS)
def test_oracles(benchmark, name):
    problem = registry().build("bilevel", name).on("cpu")
    x, y = problem.start()
    v = problem.lower_gradient_y(x, y)
    calls = {
        "f": lambda: problem.lower(x, y),
        "F": lambda: problem.upper(x, y),
        "f_x": lambda: problem.lower_gradient_x(x, y),
        "f_y": lambda: problem.lower_gradient_y(x, y),
        "F_x": lambda: problem.upper_gradient_x(x, y),
        "F_y": lambda: problem.upper_gradient_y(x, y),
        "hvp": lambda: problem.hessian_product(x, y, v),
        "cross": lambda: problem.cross_product(x, y, v),
    }
    found = benchmark.pedantic(
        lambda: {oracle: seconds_of(calls[oracle]) for oracle in ORACLES}, rounds=1
    )
    benchmark.extra_info.update({oracle: found[oracle] / found["f"] for oracle in ORACLES})
    ratios = "  ".join(f"{oracle} {found[oracle] / found['f']:.2f}" for oracle in ORACLES)
    _told.append(f"{name}: f {1e6 * found['f']:.0f} us; {ratios}")


@pytest.mark.parametrize(
    ("name", "implementation"),
    [(name, method) for name, methods in ANCHORS.items() for method in methods],
)
def test_anchors(benchmark, name, implementation):
    found = registry()
    suite, method = found.suite("bilevel"), found.implementations["bilevel", implementation]
    problem = found.build("bilevel", name)
    points = []
    run = Run(
        suite, method, problem.on("cpu"), suite.judge(problem),
        budget=Budget(seconds=LIMIT), report=points.append,
    )  # fmt: skip
    outcome = benchmark.pedantic(
        lambda: run.drive(generator("benchmark"), method.parameters), rounds=1
    )
    told = [f"{name} {implementation}: {outcome.status}, gap {points[-1].metrics['gap']:.2e}"]
    for level in suite.targets:
        # Sustained: the answer after the last one above the level.
        first = max(
            (i + 1 for i, one in enumerate(points) if one.metrics["gap"] > level), default=0
        )
        if first < len(points):
            after = points[first]
            cost = suite.cost(after.oracles)
            told.append(f"{level:g} in {after.seconds:.3g} s, {cost:.3g} calls")
            benchmark.extra_info[f"{level:g}"] = [after.seconds, cost]
    _told.append("; ".join(told))
