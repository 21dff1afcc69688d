"""The GMRES-SQP baselines against closed forms, and their inner solver against least squares."""

import numpy as np
import pytest

from tiltyard.implementations.constrained import _gmres_kernels as kernels
from tiltyard.implementations.constrained._newton_lagrangian import System
from tiltyard.implementations.constrained.gmres_l1_adaptive_sqp import gmres_l1_adaptive_sqp
from tiltyard.implementations.constrained.gmres_l1_sqp import gmres_l1_sqp
from tiltyard.suites.constrained.builder import Builder

METHODS = [gmres_l1_sqp, gmres_l1_adaptive_sqp]


def circle(n=2):
    """Return min sum x s.t. |x|^2 = 2 n: the solution is x = -sqrt(2), y = 1 / (2 sqrt(2))."""
    b = Builder(np.linspace(-1.5, -0.8, n))
    i = np.arange(n)
    b.minimise(b.x[i])
    square = b.x[0] ** 2
    for k in range(1, n):
        square = square + b.x[k] ** 2
    b.subject_to(square, equal=2.0 * n)
    return b.problem().on("cpu")


def run(method, problem, **parameters):
    """Return the answers of a method, and the reason it gave."""
    answers = []
    search = method.function(problem, np.random.default_rng(0), **parameters)
    while True:
        try:
            answers.append(next(search))
        except StopIteration as end:
            return answers, end.value


def criteria(n, m, **values):
    """Return tests that no step passes, but for the given values."""
    never = {
        "gradient": np.ones(n),
        "c": np.full(m, 0.5),
        "pi": 2.0,
        "sigma": 0.09,
        "residual": -1.0,
        "primal": np.inf,
        "entries": m,
        "second_dual": -1.0,
        "second_primal": -1.0,
        "model": False,
    }
    return kernels.Tests(**{**never, **values})


def saddle(n=4, m=2, seed=0):
    """Return a random KKT system."""
    rng = np.random.default_rng(seed)
    A = np.zeros((n + m, n + m))
    A[:n, :n] = np.diag(rng.uniform(1.0, 3.0, n))
    A[n:, :n] = rng.standard_normal((m, n))
    A[:n, n:] = A[n:, :n].T
    b = np.concatenate([rng.standard_normal(n), np.full(m, -0.5)])
    return System(A=A, B=A[:n, :n], b=b, z=np.zeros(n + m), r=-b)


def test_a_cycle_minimises_over_two_krylov_directions():
    newton = saddle()
    A, b = newton.A, newton.b
    assert kernels.cycles(newton.linear(), criteria(4, 2), 1) == (1, False)
    K = np.column_stack([b, A @ b])
    expected = K @ np.linalg.lstsq(A @ K, b, rcond=None)[0]
    np.testing.assert_allclose(newton.z, expected, atol=1e-12)
    np.testing.assert_allclose(newton.r, A @ newton.z - b, atol=1e-14)


def test_cycles_converge_to_the_exact_solution():
    newton = saddle(seed=3)
    exact = np.linalg.solve(newton.A, newton.b)
    done, passed = kernels.cycles(newton.linear(), criteria(4, 2, residual=1e-10), 100_000)
    assert passed
    assert done < 100_000
    np.testing.assert_allclose(newton.z, exact, atol=1e-8)


def test_model_reduction_is_its_formula():
    newton = saddle(seed=5)
    newton.z[:] = np.linspace(-1.0, 1.0, 6)
    newton.r[:] = newton.A @ newton.z - newton.b
    lost, wanted = kernels.reduction(newton.linear(), criteria(4, 2))
    d, left = newton.z[:4], np.abs(newton.A[4:, :4] @ newton.z[:4] + 0.5).sum()
    curved = max(0.5 * d @ newton.B @ d, 0.0)
    assert lost == pytest.approx(-d.sum() - curved + 2.0 * (1.0 - left))
    assert wanted == pytest.approx(0.18 * max(1.0, left - 1.0))


def test_second_test_and_released_first_test():
    newton = saddle()
    newton.z[:] = 1.0
    newton.r[:] = [0.1, 0.1, 0.1, 0.1, 0.0, 5.0]
    linear = newton.linear()
    assert kernels.passed(linear, criteria(4, 2, second_dual=0.5, second_primal=6.0))
    assert not kernels.passed(linear, criteria(4, 2, second_dual=0.5, second_primal=4.0))
    loose = {"residual": 10.0, "primal": 1.0}
    assert not kernels.passed(linear, criteria(4, 2, **loose))
    assert kernels.passed(linear, criteria(4, 2, **loose, entries=1))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@pytest.mark.parametrize("n", [2, 210])
def test_finds_the_closed_form(method, n):
    problem = circle(n)
    assert problem.facts["sparse"] == (n >= 200)
    answers, reason = run(method, problem, tolerance=1e-8)
    assert reason is None
    np.testing.assert_allclose(answers[-1]["x"], -np.sqrt(2.0), atol=1e-7)
    np.testing.assert_allclose(answers[-1]["y"], 0.5 / np.sqrt(2.0), atol=1e-7)
    assert problem.ledger.oracles["flop"] > 0


def test_released_tests_reach_the_same_point_more_slowly():
    ours, theirs = circle(), circle()
    run(gmres_l1_sqp, ours, tolerance=1e-6)
    answers, _ = run(gmres_l1_sqp, theirs, tolerance=1e-6, released=True)
    np.testing.assert_allclose(answers[-1]["x"], -np.sqrt(2.0), atol=1e-5)
    assert theirs.ledger.oracles["H"] >= ours.ledger.oracles["H"]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_ends_singular_and_not_finite(method):
    b = Builder([0.0, 0.0])
    b.subject_to(b.x[0] ** 2 + b.x[1] ** 2, equal=1.0)
    _, reason = run(method, b.problem().on("cpu"))
    assert reason == "singular: smallest eigenvalue of J J' is 0, 1e-06 is needed"
    b = Builder([np.inf, 0.0])
    b.subject_to(b.x[0] + b.x[1], equal=1.0)
    answers, reason = run(method, b.problem().on("cpu"))
    assert len(answers) == 1
    assert reason.startswith("not finite")
