"""References agree with independent solvers and closed forms, and no cache file is believed."""

import math

import numpy as np
import pytest

import tiltyard.suites.cvar.reference as module
from tiltyard.errors import TiltyardError
from tiltyard.paths import cache_dir
from tiltyard.suites.cvar._risk import Instance
from tiltyard.suites.cvar._solver import solve
from tiltyard.suites.cvar.certificate import Bracket
from tiltyard.suites.cvar.problem import CVaRProblem
from tiltyard.suites.cvar.reference import reference


@pytest.mark.parametrize(("loss", "value"), [("abs", 1.4850480645), ("sq", 1.1142160331)])
def test_diabetes_anchors(build, loss, value):
    """Values found once with CVXPY and Clarabel, certified to 3e-11."""
    problem = build(f"diabetes-{loss}[beta=0.95,mu=0.001,held_out=0]")
    found = reference(Instance.of(problem))
    assert found.value == pytest.approx(value, abs=2e-10)
    assert found.relative_gap <= 1e-12


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("mu", [0.0, 0.05])
@pytest.mark.parametrize(
    ("loss", "domain"),
    [
        ("abs", "free"),
        ("abs", "simplex"),
        ("sq", "free"),
        ("sq", "simplex"),
        ("pinball", "free"),
        ("linear", "simplex"),
        ("logistic", "simplex"),
    ],
)
def test_reference_agrees_with_cvxpy(small, solve_with_cvxpy, loss, domain, mu, weighted):
    problem = small(loss, domain=domain, mu=mu, weighted=weighted, beta=0.8)
    found = solve(Instance.of(problem))
    assert found.upper == pytest.approx(solve_with_cvxpy(problem), rel=1e-6)
    assert found.gap <= 1e-11


@pytest.mark.parametrize("loss", ["linear", "logistic"])
def test_regularised_reference_agrees_with_cvxpy(small, solve_with_cvxpy, loss):
    problem = small(loss, mu=0.05, beta=0.3, weighted=True, n=60)
    found = solve(Instance.of(problem))
    assert found.upper == pytest.approx(solve_with_cvxpy(problem), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.999])
@pytest.mark.parametrize("loss", ["abs", "sq"])
def test_extreme_levels(small, solve_with_cvxpy, loss, beta):
    """The mean at beta = 0; the largest loss where n (1 - beta) < 1."""
    problem = small(loss, beta=beta)
    found = solve(Instance.of(problem))
    assert found.upper == pytest.approx(solve_with_cvxpy(problem), rel=1e-6)
    assert found.gap <= 1e-11


def test_repeated_rows_are_solved(small):
    """Ties that no active set tells apart."""
    base = small("abs", mu=0.0)
    repeated = CVaRProblem(
        A=np.repeat(base.A, 3, axis=0), y=np.repeat(base.y, 3), loss="abs", beta=0.9, mu=0.0
    )
    first, second = solve(Instance.of(base)), solve(Instance.of(repeated))
    assert second.gap <= 1e-9
    assert second.upper == pytest.approx(first.upper, rel=1e-9)


@pytest.mark.parametrize(("over", "under", "beta"), [(1.0, 4.0, 0.95), (3.0, 1.0, 0.5)])
def test_newsvendor_closed_form(build, over, under, beta):
    """Gotoh & Takano (2007): the order is a mean of a low and a high quantile of the demand.

    x = (over F^-1(low) + under F^-1(high)) / (over + under), low = under (1 - beta) / (over +
    under) and high = (under + over beta) / (over + under); unique where n low is no integer.
    """
    problem = build(f"newsvendor[n=997,beta={beta},over={over},under={under}]")
    demand = np.sort(problem.y)
    low, high = under * (1 - beta) / (over + under), (under + over * beta) / (over + under)
    quantiles = [demand[math.ceil(level * 997) - 1] for level in (low, high)]
    order = (over * quantiles[0] + under * quantiles[1]) / (over + under)
    found = reference(Instance.of(problem))
    assert found.value == pytest.approx(Instance.of(problem).objective(np.array([order])), 1e-12)
    assert found.relative_gap <= 1e-11


@pytest.mark.parametrize(("loss", "power"), [("abs", 1), ("sq", 2)])
def test_twins_in_other_units_have_the_same_solution(build, loss, power):
    one, hundred = (
        reference(Instance.of(build(f"lognormal-{loss}[scale={scale}]"))) for scale in (1, 100)
    )
    assert hundred.value == pytest.approx(100**power * one.value, rel=1e-11)
    assert hundred.w == pytest.approx(100 * one.w, rel=1e-6)


def test_working_set_reaches_rows_outside_the_first_band(build):
    """With 20,000 rows most never enter a program, and the certificate is over all of them."""
    found = reference(Instance.of(build("lognormal-abs[n=20000,d=5]")))
    assert found.relative_gap <= 1e-11


def test_failure_tells_the_gap(small, monkeypatch):
    monkeypatch.setattr(module, "solve", Bracket)
    with pytest.raises(TiltyardError, match="no reference: the relative duality gap"):
        reference(Instance.of(small("sq")))


@pytest.fixture
def cached(small):
    """Return an instance with its reference in the cache, that reference, and the file."""
    instance = Instance.of(small("sq"))
    found = reference(instance)
    (path,) = cache_dir("references").iterdir()
    return instance, found, path


@pytest.fixture
def solves(monkeypatch):
    """Return a list that grows with every solve."""
    calls = []

    def counted(instance):
        calls.append(instance)
        return solve(instance)

    monkeypatch.setattr(module, "solve", counted)
    return calls


def test_cache_spares_the_solve(cached, solves):
    instance, found, _ = cached
    again = reference(instance)
    assert not solves
    assert (again.value, again.lower_bound) == (found.value, found.lower_bound)
    assert (again.solver, again.date) == (found.solver, found.date)
    assert "clarabel" in again.solver


def test_another_problem_has_another_file(cached, small, solves):
    reference(Instance.of(small("sq", mu=0.2)))
    reference(Instance.of(small("sq", seed=1)))
    assert len(solves) == 2
    assert len(list(cache_dir("references").iterdir())) == 3


def _rewrite(path, **changes):
    with np.load(path) as file:
        content = dict(file) | changes
    np.savez(path, **{key: value for key, value in content.items() if value is not None})


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("0.5\n"),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "flipped": lambda path: path.write_bytes(bytes(b ^ 0x5A for b in path.read_bytes())),
    "pickle": lambda path: _rewrite(path, w=np.array([{}, {}, {}], dtype=object)),
    "no dual": lambda path: _rewrite(path, q=None),
    "wrong shape": lambda path: _rewrite(path, w=np.zeros(7)),
    "not finite": lambda path: _rewrite(path, w=np.full(3, np.nan)),
    "foreign rows": lambda path: _rewrite(
        path, rows=np.array([10**6]), q=np.array([1.0]), t=np.array([0.0])
    ),
    "stale point": lambda path: _rewrite(path, w=np.zeros(3)),
    "forged dual": lambda path: _rewrite(
        path, rows=np.arange(4), q=np.full(4, 100.0), t=np.full(4, -100.0)
    ),
    "forged bound": lambda path: _rewrite(path, w=np.zeros(3), lower=1e9, upper=1e9, gap=0.0),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_cache_is_computed_again(cached, solves, damage):
    instance, found, path = cached
    DAMAGES[damage](path)
    again = reference(instance)
    assert len(solves) == 1
    assert again.value == found.value
    reference(instance)
    assert len(solves) == 1, "the file was not repaired"
