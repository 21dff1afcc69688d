"""Time and tightness of Lipschitz bounds, one problem at a time, in one process.

``pytest benchmarks/bench_lipschitz.py -k anchors`` runs bound propagation and exact methods for
readers of digits, ``-k semidefinite`` LipSDP from 64-32-10 to 784-256-10, ``-k growth``
follows methods over the width of random networks of depth 2, 60 s a run. A benchmark's own time is
that of the whole run with judging; ``extra_info`` holds the method's seconds to ratios of 1.02 and
1 + 1e-6, and the last ratio to the reference. At the end all are printed.
"""

from __future__ import annotations

import math
import sys

import pytest

from tiltyard.registry import generator, registry
from tiltyard.run.driver import Run
from tiltyard.suite import Budget

LIMIT = 60.0
LEVELS = (0.02, 1e-6)
ANCHORS = (
    ("16-8-8-10", 0.25), ("16-8-8-10", 0.5), ("64-32-10", 0.1), ("64-32-10", 0.25),
    ("64-32-32-10", 0.01), ("64-32-32-10", 0.05),
)  # fmt: skip
PROPAGATION = (
    "fast_lip", "recurjac", "clarke_bound_propagation", "clarke_zonotope",
    "clarke_branch_and_bound", "activation_enumeration", "milp",
)  # fmt: skip
SEMIDEFINITE = {
    "digits-global-l2[network=64-32-10]": ("lipsdp_neuron", "lipsdp_barrier", "eclipse"),
    "digits-global-l2[network=64-32-32-10]": ("lipsdp_neuron", "lipsdp_barrier", "eclipse"),
    "digits-global-l2[network=64-64-64-10]": ("lipsdp_barrier", "eclipse"),
    "random-global-l2[inputs=784,width=256,depth=1]": ("lipsdp_barrier", "eclipse"),
}
WIDTHS = (16, 64, 256, 512, 1024)
LOCAL = (
    "ibp_jacobian", "fast_lip", "recurjac", "clarke_bound_propagation", "clarke_zonotope",
    "clarke_branch_and_bound",
)  # fmt: skip
GLOBAL = ("norm_product", "eclipse_fast", "eclipse", "lipsdp_barrier")

_told: list[str] = []


@pytest.fixture(scope="module", autouse=True)
def table():
    yield
    sys.stdout.write("\n" + "\n".join(_told) + "\n")


def run(benchmark, name, implementation):
    """Run a method once, and note when it came to each level."""
    found = registry()
    suite, method = found.suite("lipschitz"), found.implementations["lipschitz", implementation]
    problem = found.build("lipschitz", name)
    warm = suite.miniature(problem)
    budget, points = Budget(seconds=LIMIT), []
    Run(suite, method, warm.on("cpu"), suite.judge(warm), budget=Budget(seconds=1),
        report=lambda _: None).drive(generator("bench"), method.parameters)  # fmt: skip
    judge = suite.judge(problem)

    def go():
        points.clear()
        driven = Run(suite, method, problem.on("cpu"), judge, budget=budget, report=points.append)
        return driven.drive(generator("bench"), method.parameters)

    outcome = benchmark.pedantic(go, rounds=1)
    gaps = [(one.seconds, one.metrics["gap"]) for one in points]
    to = {f"to {1 + a:g}": min((s for s, g in gaps if g <= a), default=math.inf) for a in LEVELS}
    ratio = 1 + gaps[-1][1] if gaps else math.nan
    last = points[-1].metrics if points else {"exact_ratio": math.nan, "bound": math.nan}
    kind = "lower bound" if math.isnan(last["exact_ratio"]) else "exact"
    benchmark.extra_info.update(to, ratio=ratio, kind=kind)
    times = ", ".join(f"{key} {seconds:.3g} s" for key, seconds in to.items())
    _told.append(
        f"{implementation} on {name}: {last['bound']:.9g}, ratio {ratio:.4f} to {kind}; {times}; "
        f"{outcome.seconds:.3g} s, {outcome.status}"
    )


@pytest.mark.parametrize("implementation", PROPAGATION)
@pytest.mark.parametrize(("network", "radius"), ANCHORS)
def test_anchors(benchmark, network, radius, implementation):
    run(benchmark, f"digits-local-linf[network={network},radius={radius},points=1]", implementation)


@pytest.mark.parametrize(
    ("name", "implementation"), [(name, one) for name, all_ in SEMIDEFINITE.items() for one in all_]
)
def test_semidefinite(benchmark, name, implementation):
    run(benchmark, name, implementation)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("implementation", LOCAL)
def test_growth_local(benchmark, implementation, width):
    run(benchmark, f"random-local-linf[width={width},depth=2,points=1]", implementation)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("implementation", GLOBAL)
def test_growth_global(benchmark, implementation, width):
    run(benchmark, f"random-global-l2[width={width},depth=2]", implementation)
