"""What tells that two models are one problem, and that derivatives are derivatives."""

import numpy as np
from scipy.sparse import coo_array

NAMES = ("x0", "lower", "upper", "c_lower", "c_upper")


def jacobian(model, x):
    """Return the dense Jacobian."""
    at = model.jacobian_structure
    entries = np.asarray(model.jacobian_values(x)), (at.rows, at.columns)
    return coo_array(entries, (model.m, model.n)).toarray()


def hessian(model, x, y, scale=1.0):
    """Return the dense Hessian of scale f + y'c."""
    at = model.hessian_structure
    entries = np.asarray(model.hessian_values(x, y, scale)), (at.rows, at.columns)
    lower = coo_array(entries, (model.n, model.n)).toarray()
    return lower + np.tril(lower, -1).T


def points(model, *, spread=0.1, seed=0):
    """Yield the start and two points near it, with multipliers."""
    rng = np.random.default_rng(seed)
    for size in (0.0, spread, spread):
        yield model.bounds.x0 + size * rng.standard_normal(model.n), rng.standard_normal(model.m)


def assert_same(model, other, *, order=None, rtol=1e-8):
    """Compare bounds and all functions of two models at some points.

    Args:
        model: one.
        other: the other.
        order: for each variable and each row of ``other``, its number in ``model``.
        rtol: relative to the larger of an entry and 1.
    """
    every = np.arange(model.n), np.arange(model.m)
    columns, rows = every if order is None else order
    assert (model.n, model.m) == (other.n, other.m)
    for name in NAMES:
        numbers = rows if name.startswith("c_") else columns
        _close(getattr(model.bounds, name)[numbers], getattr(other.bounds, name), rtol, name)
    for x, y in points(other):
        at, weights = np.empty(model.n), np.empty(model.m)
        at[columns], weights[rows] = x, y
        _close(model.objective(at), other.objective(x), rtol, "f")
        _close(model.gradient(at)[columns], other.gradient(x), rtol, "g")
        _close(model.constraints(at)[rows], other.constraints(x), rtol, "c")
        _close(jacobian(model, at)[np.ix_(rows, columns)], jacobian(other, x), rtol, "J")
        second = hessian(model, at, weights, 0.5)
        _close(second[np.ix_(columns, columns)], hessian(other, x, y, 0.5), rtol, "H")


def assert_differentiated(model, *, step=1e-6, rtol=2e-5, spread=0.1):
    """Compare derivatives with central differences along a random direction."""
    rng = np.random.default_rng(1)
    for x, y in points(model, spread=spread):
        v = rng.standard_normal(model.n)
        v /= np.abs(v).max()

        def check(found, function, what, x=x, v=v):
            above, below = np.asarray(function(x + step * v)), np.asarray(function(x - step * v))
            noise = 1e-15 * np.abs(np.nan_to_num(above)).max(initial=0.0) / step
            _close(found, (above - below) / (2.0 * step), rtol, what, noise)

        check(model.gradient(x) @ v, model.objective, "g")
        check(jacobian(model, x) @ v, model.constraints, "J")

        def slope(x, y=y):
            return model.gradient(x) + jacobian(model, x).T @ y

        check(hessian(model, x, y) @ v, slope, "H")


def assert_same_on_torch(model):
    """Compare the NumPy functions with the version for tensors, on the CPU."""
    import torch

    other = model.on("cpu")
    for x, y in points(model):
        at, weights = torch.from_numpy(x), torch.from_numpy(y)
        _close(model.objective(x), float(other.objective(at)), 1e-12, "f")
        for name in ("gradient", "constraints", "jacobian_values"):
            _close(getattr(model, name)(x), getattr(other, name)(at).numpy(), 1e-12, name)
        second = other.hessian_values(at, weights, 2.0).numpy()
        _close(model.hessian_values(x, y, 2.0), second, 1e-12, "H")


def _close(found, wanted, rtol, what, noise=0.0):
    found, wanted = np.asarray(found), np.asarray(wanted)
    # The sum that an entry is may cancel: rounding is relative to the largest entry.
    size = max(1.0, np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0))
    np.testing.assert_allclose(
        found, wanted, rtol=rtol, atol=1e-3 * rtol * size + noise, err_msg=what
    )
