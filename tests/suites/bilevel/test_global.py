"""The judge's global lower-level minimum against brute force."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tiltyard.suites.bilevel._global import lower_minimum, minima
from tiltyard.suites.bilevel._halfspaces import project
from tiltyard.suites.bilevel.model import Model

ZERO = torch.zeros(1, dtype=torch.float64)
FEW = settings(max_examples=15, deadline=None)


class Waves(Model):
    """A sum of waves and a bowl over a box, perhaps outside a disc."""

    convexity = "nonconvex"
    unique = False

    def __init__(self, seed, dim_y, *, hole=False, scale=1.0):
        rng = np.random.default_rng(seed)
        self.inequalities, self.form = int(hole), "nonlinear" if hole else "none"
        self.scale = scale
        data = {
            "ways": rng.uniform(-3.0, 3.0, (4, dim_y)),
            "phases": rng.uniform(0.0, 6.0, 4),
            "centre": rng.uniform(-1.0, 1.0, dim_y),
        }
        super().__init__([0.0], np.zeros(dim_y), y_lower=-2.0, y_upper=2.0, data=data)

    def upper(self, x, y, rows):
        return x.sum() + y.sum()

    def lower(self, x, y, rows):
        waves = torch.sin(self.ways @ y + self.phases + x.sum()).sum()
        return self.scale * (waves + 0.1 * (y - self.centre).square().sum())

    def constraints(self, x, y):
        if not self.inequalities:
            return x.new_zeros(0)
        return (0.5 - (y - self.centre).square().sum())[None]


def brute(model, count):
    """Return the least value on a grid, and how little a cell of it may hide."""
    axis = torch.linspace(-2.0, 2.0, count, dtype=torch.float64)
    grid = torch.cartesian_prod(*[axis] * model.dim_y).reshape(-1, model.dim_y)
    values = torch.func.vmap(lambda y: model.lower(ZERO, y, None))(grid)
    if model.inequalities:
        g = torch.func.vmap(lambda y: model.constraints(ZERO, y))(grid)
        values = values.masked_fill((g > 0.0).any(dim=1), math.inf)
    return float(values.min())


@given(seed=st.integers(0, 10_000), dim_y=st.sampled_from([1, 2]), hole=st.booleans())
@FEW
def test_no_point_of_a_finer_grid_is_lower(seed, dim_y, hole):
    model = Waves(seed, dim_y, hole=hole).on("cpu")
    found = lower_minimum(model, ZERO)
    assert found.violation <= 1e-8
    assert found.value <= brute(model, {1: 40_001, 2: 401}[dim_y]) + 1e-9
    assert float(model.lower(ZERO, found.y, None)) == found.value


@given(seed=st.integers(0, 10_000))
@FEW
def test_three_dimensions(seed):
    model = Waves(seed, 3).on("cpu")
    assert lower_minimum(model, ZERO).value <= brute(model, 61) + 1e-9


@given(seed=st.integers(0, 10_000), exponent=st.integers(-4, 4))
@FEW
def test_scaling_f_scales_the_minimum(seed, exponent):
    scale = 10.0**exponent
    plain = lower_minimum(Waves(seed, 1).on("cpu"), ZERO).value
    scaled = lower_minimum(Waves(seed, 1, scale=scale).on("cpu"), ZERO).value
    assert scaled == pytest.approx(scale * plain, rel=1e-9, abs=1e-9 * scale)


class Strip(Model):
    """f = y1 + y2 on the unit disc cut by y1 >= x: infeasible for x > 1; Y is the plane."""

    form = "convex"
    convexity = "convex"
    inequalities = 2

    def __init__(self):
        super().__init__([0.0], [0.0, 0.0])

    def upper(self, x, y, rows):
        return y.sum()

    def lower(self, x, y, rows):
        return y.sum()

    def constraints(self, x, y):
        return torch.stack((y.square().sum() - 1.0, x[0] - y[0]))


@pytest.mark.parametrize(
    ("x", "value"), [(-1.0, -math.sqrt(2.0)), (0.0, -1.0), (0.6, -0.2), (1.5, math.inf)]
)
def test_curved_constraints_in_the_plane_and_infeasible_ones(x, value):
    found = lower_minimum(Strip().on("cpu"), torch.tensor([x], dtype=torch.float64))
    assert found.value == pytest.approx(value, rel=1e-9)
    assert (found.violation > 1e-3) == math.isinf(value)


class Quartic(Model):
    """Two wells of equal depth at y = +-0.1 and no bounds of y."""

    convexity = "nonconvex"
    unique = False

    def __init__(self):
        super().__init__([0.0], [0.3])

    def upper(self, x, y, rows):
        return y.sum()

    def lower(self, x, y, rows):
        return ((10.0 * y).square() - 1.0).square().sum() + x.sum()


def test_both_wells_are_found_without_bounds():
    found = minima(Quartic().on("cpu"), ZERO)
    ends = sorted(float(one.y[0]) for one in found if one.value <= 1e-12)
    assert ends[0] == pytest.approx(-0.1, abs=1e-7)
    assert ends[-1] == pytest.approx(0.1, abs=1e-7)


def test_too_many_components_are_refused():
    with pytest.raises(ValueError, match="4 components"):
        lower_minimum(Waves(0, 4).on("cpu"), ZERO)


@given(seed=st.integers(0, 10_000), far=st.sampled_from([1.0, 1e3, 1e6]))
@settings(max_examples=40, deadline=None)
def test_projection_onto_a_polyhedron(seed, far):
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 5)), int(rng.integers(1, 9))
    A = rng.standard_normal((m, n))
    A /= np.linalg.norm(A, axis=1)[:, None]
    inside = rng.standard_normal(n)
    b = A @ inside + rng.uniform(0.0, 1.0, m) * rng.integers(0, 2, m)
    p = far * rng.standard_normal(n)
    z = project(p, A, b)
    assert (A @ z - b).max() <= 1e-10 * far
    for w in (inside, project(far * rng.standard_normal(n), A, b)):
        assert (p - z) @ (w - z) <= 1e-9 * far * far
    assert project(z, A, b) == pytest.approx(z, abs=1e-9 * far)


def test_projection_of_no_number():
    assert np.isnan(project(np.array([np.nan, 0.0]), np.eye(2), np.zeros(2))).all()
