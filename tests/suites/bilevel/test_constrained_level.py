"""The judge's own solutions of lower levels with constraints, against formulas and CVXPY."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from tests.suites.bilevel.small import Coupled, Program, Squeezed
from tiltyard.suites.bilevel._constrained_level import TOLERANCE, ConstrainedLevel
from tiltyard.suites.bilevel._programs import Program as Quadratic
from tiltyard.suites.bilevel._programs import Unbounded


@pytest.mark.parametrize("bent", [False, True])
@pytest.mark.parametrize(("equations", "inequalities"), [(0, 6), (1, 5), (2, 0)])
@pytest.mark.parametrize("box", [np.inf, 0.3])
def test_equals_cvxpy(equations, inequalities, bent, box):
    cvxpy = pytest.importorskip("cvxpy")
    model = Program(1, equations=equations, inequalities=inequalities, bent=bent, box=box)
    data = model.arrays
    x, y = data["x0"], cvxpy.Variable(model.dim_y)
    value = 0.5 * cvxpy.quad_form(y, data["H"]) + (data["c"] + x) @ y
    if bent:
        value += cvxpy.sum(cvxpy.exp(0.5 * y))
    conditions = [data["M"] @ y == data["N"] @ x] if equations else []
    conditions += [data["A"] @ y <= data["b"] + data["B"] @ x] if inequalities else []
    conditions += [y >= -box, y <= box] if np.isfinite(box) else []
    best = cvxpy.Problem(cvxpy.Minimize(value), conditions).solve(solver="CLARABEL")
    found = ConstrainedLevel(model).solve(torch.tensor(x))
    assert found.status == "solved"
    assert found.residual <= TOLERANCE
    assert found.duality_gap <= 1e-9
    assert found.value == pytest.approx(best, abs=1e-7)
    assert np.allclose(found.y, y.value, atol=1e-4)


def test_follows_x_from_one_active_set_to_another():
    model = Program(2, inequalities=8)
    level, data = ConstrainedLevel(model), model.arrays
    sets, statuses = set(), set()
    for t in np.linspace(-2.0, 2.0, 21):
        x = np.full(4, t)
        feasible = linprog(
            np.zeros(4),
            A_ub=data["A"],
            b_ub=data["b"] + data["B"] @ x,
            A_eq=data["M"],
            b_eq=data["N"] @ x,
            bounds=(None, None),
        )
        found = level.solve(torch.from_numpy(x))
        statuses.add(found.status)
        assert found.status == ("solved" if feasible.success else "infeasible")
        if found.status == "solved":
            again = ConstrainedLevel(model).solve(torch.from_numpy(x))
            assert np.allclose(found.y, again.y, atol=1e-9)
            sets.add(tuple(found.multipliers > 0.0))
    assert statuses == {"solved", "infeasible"}
    assert len(sets) > 2


@pytest.mark.parametrize("n", [1, 3, 50])
def test_least_value_where_solutions_are_many(n):
    x = torch.linspace(-1.0, 2.0, n, dtype=torch.float64)
    found = ConstrainedLevel(Coupled(n)).solve(x)
    u = x + 1.0
    least = float(0.5 * (u @ u) - x @ u - (x.sum() + u.sum()))
    assert found.status == "solved"
    assert found.value == pytest.approx(least, rel=1e-12, abs=1e-12)
    assert torch.allclose(found.y[:n], u, rtol=1e-12)


def test_infeasible_lower_levels_are_told():
    level = ConstrainedLevel(Squeezed())
    assert level.solve(torch.tensor([0.5], dtype=torch.float64)).status == "infeasible"
    assert level.solve(torch.tensor([1.5], dtype=torch.float64)).status == "solved"


def test_contradicting_equations_are_told():
    model = Program(equations=5, inequalities=0)
    x = torch.ones(4, dtype=torch.float64)
    assert ConstrainedLevel(model).solve(x).status == "infeasible"


def test_unbounded_programs_are_told():
    zero = np.zeros((2, 2))
    for equations in (0, 1):
        program = Quadratic(zero, np.array([0.0, -1.0]), np.eye(2)[:1], np.ones(1), equations)
        with pytest.raises(Unbounded):
            program.solve()


def test_what_is_not_finite_is_told():
    found = ConstrainedLevel(Program()).solve(torch.full((4,), 1e308, dtype=torch.float64) * 10.0)
    assert found.status == "inexact"
    assert found.residual == np.inf
