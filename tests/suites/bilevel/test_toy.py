"""The toy of PBGD: one solution of the lower level, three local minima of Phi."""

import numpy as np
import pytest
import torch

from tiltyard.errors import TiltyardError
from tiltyard.registry import registry

GRID = np.linspace(0.0, 3.0, 3001)


def vector(number):
    return torch.tensor([number]).double()


def test_lower_level_is_stationary_at_minus_x_alone():
    model = registry().build("bilevel", "pbgd-toy").model.on("cpu")
    for x in np.linspace(0.0, 3.0, 13):
        t = np.linspace(0.01, 10.0, 500)
        for sign in (-1.0, 1.0):
            slopes = [
                float(model.lower_gradient_y(vector(x), vector(sign * one - x), None)) for one in t
            ]
            assert min(sign * slope for slope in slopes) > 0.0
        assert float(model.lower_gradient_y(vector(x), vector(-x), None)) == pytest.approx(0.0)


def test_phi_has_the_minima_of_the_docstring():
    model = registry().build("bilevel", "pbgd-toy").model.on("cpu")
    phi = np.array([float(model.upper(vector(x), vector(-x), None)) for x in GRID])
    expected = np.cos(2.0 - 4.0 * GRID) / (1.0 + np.exp(2.0 - 4.0 * GRID))
    expected += 0.5 * np.log((4.0 * GRID - 2.0) ** 2 + 1.0)
    np.testing.assert_allclose(phi, expected, atol=1e-14)
    inner = phi[1:-1]
    minima = GRID[1:-1][(inner < phi[:-2]) & (inner < phi[2:])]
    np.testing.assert_allclose(minima, [0.38236, 1.21515, 2.82964], atol=1e-3)
    assert phi.min() == pytest.approx(0.1999109, abs=1e-6)
    assert GRID[phi.argmin()] == pytest.approx(1.215)
    # Downhill from 2 leads to the best of them.
    between = phi[(GRID >= 1.215) & (GRID <= 2.0)]
    assert (np.diff(between) > 0.0).all()


def test_a_start_outside_is_refused():
    with pytest.raises(TiltyardError, match=r"start=4 is not in \[0, 3\]"):
        registry().build("bilevel", "pbgd-toy[start=4]")
