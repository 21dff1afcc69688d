"""BOAT on counted oracles; without it, what to install; and oracles that torch differentiates."""

import importlib.util
import itertools

import numpy as np
import pytest
import torch

from tests.implementations.bilevel import written
from tests.suites.bilevel.small import Ridge, quadratic
from tiltyard.implementations.bilevel._autograd import differentiable_lower, differentiable_upper
from tiltyard.implementations.bilevel.boat import OPERATIONS, boat

absent = importlib.util.find_spec("boat_torch") is None


@pytest.mark.skipif(not absent, reason="BOAT is here")
def test_without_boat_the_reason_says_what_to_install():
    seen = written.problem(quadratic(), "deterministic")
    expected = "needs boat_torch: pip install 'boat-torch' --no-deps 'higher'"
    assert boat.unsupported(seen, "cpu") == expected


@pytest.mark.skipif(absent, reason="needs boat_torch")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_it_descends(operation):
    seen = written.problem(quadratic(), "deterministic")
    given = boat.function(seen, np.random.default_rng(0), operation=operation, inner=50)
    *_, answer = itertools.islice(given, 150)
    on = seen.model.on("cpu")
    A, C, a, E, H, e, h = (getattr(on, f"mean_{name}") for name in "ACaEHeh")
    S, s = -torch.linalg.solve(A, C.T), -torch.linalg.solve(A, a)
    expected = torch.linalg.solve(H + S.T @ E @ S, -(h + S.T @ (E @ s + e)))
    np.testing.assert_allclose(answer["x"], expected, atol=0.2)


def points(seen):
    return [part.requires_grad_() for part in seen.start()]


def test_gradients_and_products_are_the_oracles():
    seen = written.problem(quadratic(), "deterministic")
    x, y = points(seen)
    slope_x, slope_y = torch.autograd.grad(differentiable_upper(seen, x, y), (x, y))
    torch.testing.assert_close((slope_x, slope_y), seen.upper_gradients(x.detach(), y.detach()))
    (slope,) = torch.autograd.grad(differentiable_lower(seen, x, y), y, create_graph=True)
    v = torch.arange(1.0, 5.0, dtype=torch.float64)
    cross, product = torch.autograd.grad(slope @ v, (x, y))
    torch.testing.assert_close(cross, seen.cross_product(x.detach(), y.detach(), v))
    torch.testing.assert_close(product, seen.hessian_product(x.detach(), y.detach(), v))


def test_what_torch_asks_for_is_charged():
    seen = written.problem(Ridge(), "stochastic")
    x, y = points(seen)
    (slope,) = torch.autograd.grad(differentiable_lower(seen, x, y), y, create_graph=True)
    assert seen.ledger.oracles == {"f": 30, "f_x": 30, "f_y": 30}
    torch.autograd.grad(slope.sum(), y)
    assert seen.ledger.oracles == {"f": 30, "f_x": 30, "f_y": 30, "cross": 30, "hvp": 30}


def test_second_derivatives_in_x_are_refused():
    seen = written.problem(Ridge(), "stochastic")
    x, y = points(seen)
    (slope,) = torch.autograd.grad(differentiable_lower(seen, x, y), x, create_graph=True)
    with pytest.raises(NotImplementedError, match="second derivatives of f in x"):
        torch.autograd.grad(slope.sum(), x)
