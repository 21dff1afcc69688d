"""Adapters of other people's solvers: known optima, multipliers' signs, closing, broken oracles."""

import importlib
import importlib.util
import threading

import numpy as np
import pytest

from tests.suites.constrained.models import (
    HS6,
    HS71,
    BothEnds,
    BoundedQP,
    Broken,
    Chain,
    Contradiction,
    made,
)
from tiltyard import Unsupported

# Harmless: SciPy takes another factorisation then.
pytestmark = pytest.mark.filterwarnings("ignore:Singular Jacobian matrix")

NEEDS = {
    "slsqp": "",
    "trust_constr": "",
    "cobyqa": "",
    "ipopt": "ipyopt",
    "uno_filtersqp": "unopy",
    "uno_ipopt": "unopy",
    "pounce": "pounce",
    "nlopt_slsqp": "nlopt",
}
BARRIERS = ["ipopt", "uno_ipopt", "pounce"]
# Without multipliers of their own, and for COBYQA without a precise optimum.
SILENT = ["cobyqa", "nlopt_slsqp"]


def method(name):
    if NEEDS[name]:
        pytest.importorskip(NEEDS[name])
    return getattr(importlib.import_module(f"tiltyard.implementations.constrained.{name}"), name)


def run(name, problem, **parameters):
    """Return every answer of a run, and its reason."""
    generator = method(name).function(problem, np.random.default_rng(0), **parameters)
    answers = []
    while len(answers) < 10_000:
        try:
            answers.append(next(generator))
        except StopIteration as stop:
            return answers, stop.value
    raise AssertionError("it does not end")


def violation(problem, x):
    c = problem.constraints(x)
    over = [problem.c_lower - c, c - problem.c_upper, problem.lower - x, x - problem.upper]
    return max(0.0, *np.concatenate(over))


def stationarity(problem, answer):
    x, y, z = answer["x"], answer["y"], answer["z"]
    return np.abs(problem.gradient(x) + problem.jacobian_transpose_product(x, y) + z).max()


def misplaced(values, lower, upper, multipliers):
    """Return the largest product of a multiplier and the distance to the bound of its sign."""
    distance = np.where(multipliers > 0, upper - values, values - lower)
    active = np.abs(multipliers) > 1e-6
    return np.abs(multipliers[active] * distance[active]).max(initial=0.0)


@pytest.mark.parametrize("name", NEEDS)
@pytest.mark.parametrize("model", [HS71, HS6, BothEnds, BoundedQP])
def test_known_optimum_with_multipliers_of_our_signs(name, model):
    problem = made(model())
    if name == "cobyqa" and problem.n > 5:
        pytest.skip("COBYQA is run up to n = 5")
    answers, reason = run(name, problem, tolerance=1e-10)
    final = answers[-1]
    if (name, model) == ("cobyqa", HS6):
        assert reason.startswith("COBYQA: The lower bound for the trust-region radius")
        assert "claim" not in final
    else:
        assert (final["claim"], reason) == ("solved", "")
    assert violation(problem, final["x"]) <= 1e-8
    assert problem.objective(final["x"]) == pytest.approx(model.optimum, abs=2e-7)
    if name in SILENT:
        assert "y" not in final
        return
    assert stationarity(problem, final) <= 1e-6
    x, y, z = final["x"], final["y"], final["z"]
    c = problem.constraints(x)
    assert misplaced(c, problem.c_lower, problem.c_upper, y) <= 1e-6
    assert misplaced(x, problem.lower, problem.upper, z) <= 1e-6
    if model is BothEnds:
        np.testing.assert_allclose(y, model.y, atol=1e-6)
        np.testing.assert_allclose(z, model.z, atol=1e-6)


@pytest.mark.parametrize("name", NEEDS)
def test_iterates_come_one_by_one_and_claim_nothing(name):
    answers, _ = run(name, made(HS71()))
    assert len(answers) >= 5
    assert all("claim" not in answer for answer in answers[:-1])
    assert len({answer["x"].tobytes() for answer in answers}) >= 5
    assert len({id(answer["x"]) for answer in answers}) == len(answers)


@pytest.mark.parametrize("name", ["trust_constr", "uno_filtersqp", "uno_ipopt"])
def test_multipliers_of_iterates_have_our_signs(name):
    problem = made(HS71())
    answers, _ = run(name, problem)
    residuals = [stationarity(problem, answer) for answer in answers if "y" in answer]
    assert len(residuals) >= 5
    assert residuals[-2] <= 1e-3


@pytest.mark.parametrize("name", ["ipopt", "pounce"])
def test_reported_point_is_the_iterate(name, monkeypatch):
    # The library tells its iterate's objective, not the iterate.
    method(name)
    told, problem = [], made(HS71())
    from tiltyard.implementations.constrained import _peers

    tell = _peers.Callbacks.tell

    def spy(self, x):
        told.append(problem.model.objective(x))
        return tell(self, x)

    monkeypatch.setattr(_peers.Callbacks, "tell", spy)
    objectives = []
    if name == "ipopt":
        import ipyopt

        class Watched:
            def __init__(self, *, intermediate_callback, **rest):
                def watched(mode, iteration, objective, *more):
                    objectives.append(objective)
                    return intermediate_callback(mode, iteration, objective, *more)

                self._inner = original(intermediate_callback=watched, **rest)

            def solve(self, *arguments, **rest):
                return self._inner.solve(*arguments, **rest)

        original = ipyopt.Problem
        monkeypatch.setattr(ipyopt, "Problem", Watched)
    else:
        import pounce

        def watched(n, m, callbacks, *bounds):
            inner = callbacks.intermediate

            def intermediate(**state):
                objectives.append(state["obj_value"])
                return inner(**state)

            callbacks.intermediate = intermediate
            return original(n, m, callbacks, *bounds)

        original = pounce.Problem
        monkeypatch.setattr(pounce, "Problem", watched)
    run(name, problem)
    assert len(objectives) >= 5
    np.testing.assert_allclose(told, objectives, rtol=1e-12)


@pytest.mark.parametrize("name", BARRIERS)
def test_structure_is_used_in_a_large_problem(name):
    problem = made(Chain(1000))
    assert len(problem.jacobian_structure) == 2 * 999
    (*_, final), _ = run(name, problem)
    assert final["claim"] == "solved"
    assert violation(problem, final["x"]) <= 1e-8
    assert stationarity(problem, final) <= 1e-7


def test_trust_constr_takes_sparse_matrices():
    problem = made(BoundedQP(300))
    (*_, final), _ = run("trust_constr", problem, tolerance=1e-6)
    assert final["claim"] == "solved"
    assert stationarity(problem, final) <= 1e-5


@pytest.mark.parametrize(
    ("name", "problem", "message"),
    [
        ("cobyqa", BothEnds(), "COBYQA is run up to n = 5, not n = 6"),
        ("slsqp", Chain(501), "dense matrices: n and m up to 500, not n = 501, m = 500"),
        ("nlopt_slsqp", Chain(501), "dense matrices: n and m up to 500, not n = 501, m = 500"),
    ],
)
def test_too_large_a_problem_is_unsupported(name, problem, message):
    with pytest.raises(Unsupported, match=message):
        run(name, made(problem))


@pytest.mark.parametrize("name", NEEDS)
def test_infeasible_problem_is_never_solved(name):
    (*_, final), reason = run(name, made(Contradiction()))
    claim = final.get("claim")
    assert claim == ("infeasible" if name in {"ipopt", "pounce", "uno_filtersqp"} else None)
    assert (reason == "") == (claim is not None)


@pytest.mark.parametrize("name", NEEDS)
@pytest.mark.parametrize("iterations", [1, 3])
def test_closing_ends_the_library_and_its_thread(name, iterations):
    problem = made(HS71())
    generator = method(name).function(problem, np.random.default_rng(0))
    before = threading.active_count()
    for _ in range(iterations):
        next(generator)
    assert threading.active_count() == before + 1
    used = dict(problem.ledger.oracles)
    generator.close()
    assert threading.active_count() == before
    assert problem.ledger.oracles == used


@pytest.mark.parametrize("name", NEEDS)
@pytest.mark.parametrize("after", [0, 3])
@pytest.mark.parametrize(
    "of", ["objective", "gradient", "constraints", "jacobian_values", "hessian_values"]
)
def test_error_in_an_oracle_is_raised(name, of, after):
    problem = made(Broken(of, after, "raise"))
    if (name == "cobyqa" and of not in {"objective", "constraints"}) or (
        "slsqp" in name and of == "hessian_values"
    ):
        (*_, final), _ = run(name, problem, tolerance=1e-10)
        assert final["claim"] == "solved"
        return
    with pytest.raises(ZeroDivisionError, match="as asked"):
        run(name, problem)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", NEEDS)
@pytest.mark.parametrize("after", [0, 3])
@pytest.mark.parametrize(
    "of", ["objective", "gradient", "constraints", "jacobian_values", "hessian_values"]
)
def test_nan_ends_the_run_with_a_reason(name, of, after):
    answers, reason = run(name, made(Broken(of, after)))
    if "claim" in answers[-1]:
        unused = {"cobyqa": ("gradient", "jacobian_values", "hessian_values")}
        assert of in unused.get(name, ("hessian_values",))
    else:
        assert reason
    assert np.isfinite(answers[-1]["x"]).all()


@pytest.mark.parametrize("name", NEEDS)
def test_same_run_twice(name):
    first, again = run(name, made(HS71()))[0], run(name, made(HS71()))[0]
    assert len(first) == len(again)
    for one, other in zip(first, again, strict=True):
        assert one["x"].tobytes() == other["x"].tobytes()


@pytest.mark.parametrize("name", ["trust_constr", *BARRIERS, "uno_filtersqp"])
def test_without_a_hessian_the_library_approximates_it(name):
    model = HS71()
    model.provides = frozenset({"gradient", "jacobian"})
    problem = made(model)
    (*_, final), _ = run(name, problem, tolerance=1e-8)
    assert "H" not in problem.ledger.oracles
    assert problem.objective(final["x"]) == pytest.approx(model.optimum, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("ipopt", "needs ipyopt: pip install 'tiltyard[ipopt]'"),
        ("uno_filtersqp", "needs unopy: pip install 'tiltyard[uno]'"),
        ("uno_ipopt", "needs unopy: pip install 'tiltyard[uno]'"),
        ("pounce", "needs pounce: pip install 'tiltyard[pounce]'"),
        ("nlopt_slsqp", "needs nlopt: pip install 'tiltyard[nlopt]'"),
    ],
)
def test_absent_package_is_told_with_its_pip_command(name, command, monkeypatch):
    adapter = getattr(importlib.import_module(f"tiltyard.implementations.constrained.{name}"), name)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert adapter.missing() == command
