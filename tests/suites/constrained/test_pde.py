"""Control of elliptic equations: exact optima, structure and the state equation."""

import numpy as np
import pytest
from scipy.sparse import block_array
from scipy.sparse.linalg import spsolve

from tests.suites.constrained.agreement import assert_differentiated, assert_same_on_torch, jacobian
from tiltyard.errors import TiltyardError
from tiltyard.registry import registry

FAMILIES = ("pde-control", "pde-semilinear", "pde-control-bounded")


def built(name):
    return registry().build("constrained", name).on("cpu")


def lagrange_newton(problem, x, y):
    """Return the solution of the first-order conditions, linearised at x and y."""
    J = problem.jacobian_sparse(x)
    system = block_array([[problem.hessian_sparse(x, y), J.T], [J, None]]).tocsc()
    step = spsolve(system, -np.concatenate([problem.gradient(x) + J.T @ y, problem.constraints(x)]))
    return x + step[: problem.n], y + step[problem.n :]


@pytest.mark.parametrize(
    ("size", "optimum"),
    [(3, 9.644442051811629), (16, 301.8003650431361), (32, 1177.8212992260226)],
)
def test_optimum_of_the_linear_quadratic_problem(size, optimum):
    problem = built(f"pde-control[size={size}]")
    x, _ = lagrange_newton(problem, problem.x0, problem.y0)
    assert problem.objective(x) == pytest.approx(optimum, rel=1e-12)
    assert np.abs(problem.constraints(x)).max() < 1e-10


def test_semilinear_problem_has_a_nearby_solution_that_newton_finds():
    problem = built("pde-semilinear[size=16]")
    x, y = np.zeros(problem.n), np.zeros(problem.m)
    for _ in range(8):
        x, y = lagrange_newton(problem, x, y)
    J = problem.jacobian_sparse(x)
    assert np.abs(problem.gradient(x) + J.T @ y).max() < 1e-9
    assert np.abs(problem.constraints(x)).max() < 1e-9


def test_bound_on_the_control_is_active_at_the_free_optimum():
    problem, bounded = built("pde-control[size=16]"), built("pde-control-bounded[size=16]")
    x, _ = lagrange_newton(problem, problem.x0, problem.y0)
    assert (np.abs(x) > bounded.upper).any()
    assert bounded.facts["track"] == "general"


def test_laplacian_of_a_product_of_sines_is_its_eigenvalue_times_it():
    size = 7
    model = built(f"pde-control[size={size}]").model
    h = 2.0 / (size + 1)
    wave = np.sin(np.pi * np.arange(1, size + 1) / (size + 1))
    state = np.outer(wave, wave).ravel()
    eigenvalue = -2.0 * (2.0 * np.sin(np.pi / (2.0 * (size + 1))) / h) ** 2
    image = jacobian(model, model.bounds.x0)[:, : size**2] @ state
    np.testing.assert_allclose(image, eigenvalue * state, atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_derivatives(family):
    model = built(f"{family}[size=4]").model
    assert_differentiated(model)
    assert_same_on_torch(model)


@pytest.mark.parametrize("family", FAMILIES)
def test_entries_grow_with_the_grid_alone(family):
    model = built(f"{family}[size=64]").model
    assert (model.n, model.m) == (2 * 64**2, 64**2)
    assert len(model.jacobian_structure) == 6 * 64**2 - 4 * 64
    assert len(model.hessian_structure) == 2 * 64**2


@pytest.mark.parametrize("family", FAMILIES)
def test_a_grid_of_one_point_is_refused(family):
    with pytest.raises(TiltyardError, match=rf"{family}\[size=1\]: size must be at least 2"):
        built(f"{family}[size=1]")
