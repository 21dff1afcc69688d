"""Random problems from expressions against torch's own derivatives, and rules of expressions."""

import math

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch.autograd.functional import hessian as hessian_of
from torch.autograd.functional import jacobian as jacobian_of

from tests.suites.constrained.agreement import assert_same_on_torch, hessian, jacobian
from tiltyard.suites.constrained import builder
from tiltyard.suites.constrained._expression import Graph, in_order, variables_of
from tiltyard.suites.constrained.builder import Builder

N, SIZE = 5, 4


class Torch:
    """The builder's functions for tensors."""

    exp, sin, cos, arctan, arctan2 = torch.exp, torch.sin, torch.cos, torch.arctan, torch.arctan2
    sinh, cosh, tanh, log, sqrt = torch.sinh, torch.cosh, torch.tanh, torch.log, torch.sqrt
    tan, absolute = torch.tan, torch.abs


UNARY = ("sin", "cos", "arctan", "tanh", "absolute")


def expression(rng, depth=2, *, arrays=True):
    """Draw a function of (x, library) that makes an expression, or the tensor that it is."""
    if depth == 0 or rng.random() < 0.15:
        return leaf(rng, arrays=arrays)
    a, b = (expression(rng, depth - 1, arrays=arrays) for _ in range(2))
    whole, fraction = int(rng.integers(6)), float(rng.choice([-3, -2, -1, -0.5, 0.5, 0.67, 1.5]))
    name = str(rng.choice(UNARY))
    kinds = (
        lambda x, lib: a(x, lib) + b(x, lib),
        lambda x, lib: a(x, lib) - 1.25 * b(x, lib),
        lambda x, lib: a(x, lib) * b(x, lib),
        lambda x, lib: a(x, lib) / (b(x, lib) ** 2 + 1.5),
        lambda x, lib: a(x, lib) ** whole,
        lambda x, lib: (a(x, lib) ** 2 + 0.75) ** fraction,
        lambda x, lib: getattr(lib, name)(a(x, lib) + 0.1 * x[1]),
        lambda x, lib: lib.arctan2(a(x, lib) + 0.1 * x[1], b(x, lib) ** 2 + 0.5),
    )
    return kinds[rng.integers(len(kinds))]


def leaf(rng, *, arrays):
    """Draw a number, a variable, several (perhaps repeated), or data."""
    k, several = int(rng.integers(N)), rng.integers(N, size=SIZE)
    number, data = rng.choice([-1.5, -1.0, 0.0, 0.5, 1.0, 2.0]), rng.integers(-2, 3, SIZE) / 2.0
    kinds = (
        lambda x, lib: x[k],
        lambda x, lib: x[0] * 0.0 + number,
        lambda x, lib: x[several],
        lambda x, lib: x[0] * 0.0 + (torch.tensor(data) if lib is Torch else data),
    )
    return kinds[rng.integers(4 if arrays else 2)]


def draw(seed, *, arrays=True):
    """Draw what ``build`` takes: expressions of the objective, and of constraints with rows."""
    rng = np.random.default_rng(seed)
    size = SIZE if arrays else 1
    count = int(rng.integers(size, size + 4))
    costs = [expression(rng, arrays=arrays) for _ in range(rng.integers(3))]
    blocks = [
        (expression(rng, arrays=arrays), rng.integers(count, size=rng.choice([1, size])))
        for _ in range(rng.integers(4))
    ]
    return costs, blocks, count


def build(costs, blocks, count):
    """Return the problem, and f and c as functions of a tensor."""
    b = Builder(np.zeros(N))
    for cost in costs:
        b.minimise(cost(b.x, builder))
    b.rows(count, lower=0.0)
    for block, rows in blocks:
        b.add(rows, block(b.x, builder))

    def f(x):
        return sum((cost(x, Torch).sum() for cost in costs), x.sum() * 0.0)

    def c(x):
        total = (x.sum() * 0.0).repeat(count)
        for block, rows in blocks:
            value = block(x, Torch)
            to = torch.from_numpy(rows)
            if to.numel() == 1:
                value = value.sum().reshape(1)
            total = total.index_add(0, to, value.expand(to.shape))
        return total

    return b.problem(), f, c


def check(model, f, c, x, y):
    """Compare a model with f and c, if it has constraints, and with what torch makes of them."""
    at, weights = torch.from_numpy(x), torch.from_numpy(y)

    def lagrangian(z):
        return f(z) + weights @ c(z) if len(y) else f(z)

    close(model.objective(x), f(at))
    close(model.gradient(x), jacobian_of(f, at))
    if len(y):
        close(model.constraints(x), c(at))
        close(jacobian(model, x), jacobian_of(c, at))
    close(hessian(model, x, y), hessian_of(lagrangian, at))
    close(model.lagrangian_gradient(x, y), jacobian_of(lagrangian, at))


def close(found, wanted):
    wanted = np.asarray(wanted)
    size = max(1.0, np.abs(wanted).max(initial=0.0))
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-11 * size)


POINT = np.array([0.3, -0.8, 1.1, 0.6, -0.4])


SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("arrays", [True, False])
@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(SEEDS)
def test_derivatives_are_torchs(arrays, seed):
    problem, f, c = build(*draw(seed, arrays=arrays))
    rng = np.random.default_rng(seed)
    check(problem.model, f, c, POINT + 0.1 * rng.random(N), rng.standard_normal(problem.m))
    assert_same_on_torch(problem.model)


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(SEEDS)
def test_dense_sparse_and_products_are_one_matrix(seed):
    problem, _, _ = build(*draw(seed))
    problem = problem.on("cpu")
    rng = np.random.default_rng(seed)
    x, y, v, w = (
        POINT,
        rng.standard_normal(problem.m),
        rng.standard_normal(N),
        rng.random(problem.m),
    )
    J, H = problem.jacobian(x), problem.hessian(x, y, 2.0)
    np.testing.assert_array_equal(problem.jacobian_sparse(x).toarray(), J)
    np.testing.assert_array_equal(problem.hessian_sparse(x, y, 2.0).toarray(), H)
    np.testing.assert_array_equal(H, H.T)
    close(problem.jacobian_product(x, v), J @ v)
    close(problem.jacobian_transpose_product(x, w), J.T @ w)
    close(problem.hessian_product(x, y, v, 2.0), H @ v)
    for at in (problem.jacobian_structure, problem.hessian_structure):
        assert (np.diff(at.rows * N + at.columns) > 0).all()
    assert (problem.hessian_structure.rows >= problem.hessian_structure.columns).all()


def test_equal_expressions_are_one_node():
    graph = Graph()
    x, y = graph.variable(0), graph.variable(1)
    assert graph.variable(0) is x
    assert x * y is y * x
    assert x + y is y + x
    assert 2.0 * (3.0 * x) is 6.0 * x
    assert x * x is x**2
    assert 0.0 * x is graph.constant(0.0)
    assert graph.constant(0.0) is not graph.constant(-0.0)
    assert graph.constant(math.nan) is graph.constant(math.nan)


def test_zero_times_an_array_keeps_its_elements():
    b = Builder(np.ones(3))
    b.minimise(0.0 * b.x[:] + 1.0)
    b.minimise(b.x[:] ** 0)
    assert b.problem().model.objective(np.ones(3)) == 6.0
    assert b.subject_to(0.0 / b.x[:] + 0.0, equal=0.0).size == 3
    assert b.problem().model.jacobian_structure.rows.size == 0


def test_what_vanishes_is_no_entry():
    b = Builder(np.ones(3))
    x = b.x
    b.minimise(2.0 * x[0] + x[1] * x[2])
    b.subject_to(x[0] - x[0] + x[1], equal=0.0)
    model = b.problem().model
    assert model.jacobian_structure.columns.tolist() == [1]
    assert model.hessian_structure.rows.tolist() == [2]
    assert model.hessian_structure.columns.tolist() == [1]


def test_arguments_come_before_what_takes_them():
    graph = Graph()
    x = graph.variable(0)
    node = graph.unary("sin", x * x + 1.0) / x
    order = in_order([node])
    assert all(order.index(one) < order.index(n) for n in order for one in n.arguments)
    assert variables_of(node) == [0]


def test_arrays_of_different_sizes_do_not_go_together():
    b = Builder(np.zeros(5))
    with pytest.raises(ValueError, match=r"arrays of different sizes: \[2, 3\]"):
        b.x[:2] + b.x[:3]


def test_an_expression_of_another_problem_is_refused():
    b, other = Builder([0.0]), Builder([0.0])
    with pytest.raises(ValueError, match="of another problem"):
        b.x[0] + other.x[0]
    with pytest.raises(ValueError, match="of another problem"):
        b.minimise(other.x[0])


@pytest.mark.parametrize("name", builder.__all__)
def test_every_function_has_its_derivatives(name):
    if name in ("Builder", "dot", "arctan2"):
        pytest.skip("no function of one expression")
    for several in (False, True):
        b = Builder([0.6, 1.3])
        x = b.x[:] if several else b.x[0]
        b.minimise(getattr(builder, name)(x))
        model = b.problem().model

        def f(z, several=several):
            return getattr(Torch, name)(z if several else z[0]).sum()

        check(model, f, None, np.array([0.6, 1.3]), np.zeros(0))
