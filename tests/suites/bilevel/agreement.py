"""What tells that a bilevel model's own derivatives are those of its functions."""

import numpy as np
import torch

from tiltyard.suites.bilevel.model import Model


def point(model, *, spread=0.3, seed=0):
    """Return x and y near the start and vectors v like y and u like g."""
    rng = np.random.default_rng(seed)
    sizes = model.dim_x, model.dim_y, model.dim_y, model.equations + model.inequalities
    x, y, v, u = (torch.from_numpy(rng.standard_normal(size)) for size in sizes)
    return model.x0 + spread * x, model.y0 + spread * y, v, u


def assert_derivatives(model, *, rows=None, **where):
    """Compare every derivative with automatic differentiation of the model's functions."""
    x, y, v, u = point(model, **where)
    for level in ("lower", "upper"):
        for oracle in (f"{level}_gradient_x", f"{level}_gradient_y", f"{level}_gradients"):
            _same(getattr(model, oracle)(x, y, rows), getattr(Model, oracle)(model, x, y, rows))
    for oracle in ("hessian_product", "cross_product"):
        found = getattr(model, oracle)(x, y, v, rows)
        _same(found, getattr(Model, oracle)(model, x, y, v, rows))
    _same(model.constraint_products(x, y, u), Model.constraint_products(model, x, y, u))


def _same(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-12)


def assert_curvature(model, **where):
    """Check the bounds of the lower level's eigenvalues on its whole Hessian at one point."""
    x, y, _, _ = point(model, **where)
    least, largest = model.curvature(x)
    eye = torch.eye(model.dim_y, dtype=torch.float64)
    H = torch.stack([model.hessian_product(x, y, column, None) for column in eye])
    values = torch.linalg.eigvalsh(H)
    assert 0.0 < least <= float(values[0]) * (1.0 + 1e-12)
    assert float(values[-1]) <= largest * (1.0 + 1e-12)
