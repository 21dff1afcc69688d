"""The interior-point method against known optima, closed forms and Clarabel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.implementations.constrained import general
from tiltyard.implementations.constrained._linear_solver import KKT
from tiltyard.implementations.constrained._matrix import Matrix
from tiltyard.implementations.constrained._sparse_ldl import SparseFactors
from tiltyard.implementations.constrained.primal_dual_interior_point import (
    primal_dual_interior_point as method,
)
from tiltyard.suites.constrained.judge import ConstrainedJudge


@pytest.mark.parametrize("name", general.OPTIMA)
def test_it_finds_known_optima(name):
    build, optimum = general.OPTIMA[name]
    problem = build()
    answer, reason = general.finish(method, problem)
    verdict = ConstrainedJudge(problem)
    metrics = verdict.score(verdict.accept(answer)).metrics
    assert reason == ""
    assert answer["claim"] == "solved"
    assert metrics["objective"] == pytest.approx(optimum, abs=1e-7)
    assert metrics["kkt"] <= 1e-8


@pytest.mark.parametrize("name", general.SOLVED)
def test_it_solves_edge_cases(name):
    problem, x = general.SOLVED[name]()
    answer, _ = general.finish(method, problem)
    np.testing.assert_allclose(answer["x"], x, atol=1e-6)
    assert answer["claim"] == "solved"


def test_a_fixed_variable_has_a_multiplier():
    problem, _ = general.fixed()
    answer, _ = general.finish(method, problem)
    slope = problem.model.lagrangian_gradient(answer["x"], answer["y"])
    assert abs(answer["z"][1]) > 0.1
    np.testing.assert_allclose(answer["z"], -slope, atol=1e-8)


@pytest.mark.parametrize("n", [7, 301])
def test_it_projects_onto_a_subspace(n):
    problem, x = general.projection(n)
    answer, _ = general.finish(method, problem)
    np.testing.assert_allclose(answer["x"], x, atol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_clarabel(seed):
    clarabel = pytest.importorskip("clarabel")
    from scipy.sparse import csc_matrix

    problem, (Q, q, A, lower, upper) = general.convex_qp(8, 5, seed)
    answer, _ = general.finish(method, problem)
    settings_ = clarabel.DefaultSettings()
    settings_.verbose = False
    rows = np.vstack([A, -A, np.eye(8), -np.eye(8)])
    right = np.concatenate([upper, -lower, np.ones(16)])
    cones = [clarabel.NonnegativeConeT(len(right))]
    exact = clarabel.DefaultSolver(
        csc_matrix(np.triu(Q)), q, csc_matrix(rows), right, cones, settings_
    ).solve()
    x = answer["x"]
    assert 0.5 * x @ Q @ x + q @ x == pytest.approx(exact.obj_val, abs=1e-6)


def test_it_proves_infeasibility():
    answer, reason = general.finish(method, general.infeasible())
    assert answer["claim"] == "infeasible"
    assert "infeasib" in reason


def test_it_finds_an_unbounded_objective():
    answer, _ = general.finish(method, general.unbounded())
    assert answer["claim"] == "unbounded"
    assert answer["x"][0] > 1e15


def test_it_stops_where_functions_are_not_finite():
    answer, reason = general.finish(method, general.not_finite())
    assert "not finite" in reason
    assert "claim" not in answer


def system(n, m, seed, sparse):
    """Return a solver, its matrix without shifts, and the structure's values."""
    rng = np.random.default_rng(seed)
    H = np.tril(rng.standard_normal((n, n)) * (rng.random((n, n)) < 0.5))
    J = rng.standard_normal((m, n)) * (rng.random((m, n)) < 0.7)
    h, j = np.nonzero(H), np.nonzero(J)
    matrix = Matrix(*j, (m, n), sparse)
    matrix.set(J[j])
    solver = KKT(h, matrix, j, (m, n))
    if sparse:
        rows, columns = np.concatenate([h[0], j[0] + n]), np.concatenate([h[1], j[1]])
        solver._factors = SparseFactors(n + m, (rows, columns), n)
    solver.set(H[h], J[j])
    K = np.zeros((n + m, n + m))
    K[:n, :n] = H + np.tril(H, -1).T
    K[n:, :n], K[:n, n:] = J, J.T
    return solver, K, rng


@pytest.mark.parametrize("sparse", [False, True])
@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 12), m=st.integers(0, 6), seed=st.integers(0, 10**6))
def test_inertia_is_that_of_the_eigenvalues(sparse, n, m, seed):
    solver, K, rng = system(n, m, seed, sparse)
    p, d = rng.standard_normal(n), 0.1 + rng.random(m)
    K += np.diag(np.concatenate([p, -d]))
    eigenvalues = np.linalg.eigvalsh(K)
    if abs(eigenvalues).min() < 1e-4:
        return  # rounding may turn its sign, or replace a pivot
    assert solver.factor(p, d) == (eigenvalues < 0).sum()
    right = rng.standard_normal(n + m)
    u, error = solver.solve(right)
    assert error < 1e-6
    np.testing.assert_allclose(K @ u, right, atol=1e-4)


def test_a_singular_matrix_is_told():
    solver, _, _ = system(3, 0, 0, sparse=False)
    solver.set(np.zeros(len(solver._factors._flat)), np.zeros(0))
    assert solver.factor(np.array([1.0, 0.0, 1.0]), np.zeros(0)) == -1
