"""The KKT reformulation: derivatives, known optima, its known trap, what it refuses."""

import itertools

import numpy as np
import pytest
import torch

from tests.implementations.bilevel import written
from tests.suites.bilevel.small import Coupled, Program, quadratic
from tiltyard import Unsupported
from tiltyard.implementations.bilevel import _kkt
from tiltyard.implementations.bilevel.kkt_slsqp import kkt_slsqp


def final(seen, **parameters):
    *_, answer = kkt_slsqp.function(seen, np.random.default_rng(0), **parameters)
    return tuple(torch.as_tensor(answer[key]) for key in "xy")


@pytest.mark.parametrize(
    ("make", "x", "y", "restarts"),
    [
        (written.bard, [1.0], [0.0], 0),
        (written.clark_westerberg, [1.0], [3.0], 20),
        (written.allende_still, [0.5, 0.5], [0.5, 0.5], 0),
        (written.optimistic, [1.0], [1.0, 3.0], 0),
    ],
)
def test_known_optima(make, x, y, restarts):
    found = final(written.problem(make()), restarts=restarts)
    np.testing.assert_allclose(found[0], x, atol=1e-5)
    np.testing.assert_allclose(found[1], y, atol=1e-5)


def test_an_equation_couples_the_levels():
    x, y = final(written.problem(Coupled(), "constrained"), restarts=0)
    np.testing.assert_allclose(x, [-0.3] * 3, atol=1e-6)
    np.testing.assert_allclose(y, [0.7] * 3 + [-0.4] * 3, atol=1e-6)


def test_without_constraints_one_linear_solve_away():
    model = quadratic()
    x, y = final(written.problem(model, "deterministic"), restarts=0)
    on = model.on("cpu")
    A, C, a, E, H, e, h = (getattr(on, f"mean_{name}") for name in "ACaEHeh")
    # y* = -A^-1 (C'x + a), and the gradient of Phi vanishes.
    S, s = -torch.linalg.solve(A, C.T), -torch.linalg.solve(A, a)
    expected = torch.linalg.solve(H + S.T @ E @ S, -(h + S.T @ (E @ s + e)))
    torch.testing.assert_close(x, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(y, S @ expected + s, rtol=0, atol=1e-6)


def test_a_kkt_point_need_not_be_a_solution():
    # The trap of Mirrlees: the reformulation's optimum is below the bilevel optimum of 1.0018.
    seen = written.problem(written.mirrlees())
    assert float(seen.model.upper(*final(seen, restarts=2), None)) < 0.1


def test_first_answers_come_early_and_closing_is_safe():
    seen = written.problem(written.bard())
    given = kkt_slsqp.function(seen, np.random.default_rng(0))
    first, second = itertools.islice(given, 2)
    np.testing.assert_array_equal(first["x"], seen.start()[0])
    assert np.isfinite(second["x"]).all()
    given.close()


@pytest.mark.parametrize("make", [written.bard, written.allende_still, written.gumus_floudas])
@pytest.mark.parametrize("which", ["equal", "slack"])
def test_derivatives_against_differences(make, which):
    program = _kkt.Program(written.problem(make()))
    rng = np.random.default_rng(1)
    u = rng.uniform(0.2, 1.8, program.size)
    values, jacobian = getattr(program, which), getattr(program, f"{which}_jacobian")(u)
    differences = np.column_stack(
        [(values(u + 1e-6 * unit) - values(u - 1e-6 * unit)) / 2e-6 for unit in np.eye(len(u))]
    )
    scale = max(1.0, float(np.abs(jacobian).max()))
    np.testing.assert_allclose(jacobian / scale, differences / scale, atol=1e-7)


def test_bounds_of_y_have_multipliers():
    model = Program(box=0.3)
    program = _kkt.Program(written.problem(model, "constrained"))
    assert program.size == 4 + 4 + 6 + 8
    x, y = final(written.problem(model, "constrained"), restarts=0)
    from tiltyard.suites.bilevel._constrained_level import ConstrainedLevel

    np.testing.assert_allclose(y, ConstrainedLevel(model).solve(x).y, atol=1e-5)


def test_many_variables_are_refused():
    seen = written.problem(quadratic(dim_x=100, dim_y=101), "deterministic")
    with pytest.raises(Unsupported, match=r"dim_x \+ dim_y \+ constraints <= 200; .* has 201"):
        final(seen)


def test_products_are_charged_by_dimension():
    seen = written.problem(written.allende_still())
    program = _kkt.Program(seen)
    u = np.ones(program.size)
    program.equal_jacobian(u)
    assert seen.ledger.oracles == {"cross": 2, "hvp": 2, "g_product": 2 + 2 * 4}
    program.equal_jacobian(u)
    assert seen.ledger.oracles["hvp"] == 2
