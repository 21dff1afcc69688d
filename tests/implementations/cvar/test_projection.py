"""The compiled projection onto the simplex ends, and stays on it, whatever rounding does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.implementations.cvar import _kernels as kernels


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e-17, 1e-9, 1.0, 1e6, 1e17]))
def test_projection_of_near_and_far_points(seed, size):
    rng = np.random.default_rng(seed)
    point = rng.dirichlet(np.ones(20)) + size * rng.standard_normal(20)
    kernels.project_simplex(point)
    assert point.min() >= 0
    assert point.sum() == pytest.approx(1, abs=1e-12)


def test_projection_of_nan_ends():
    kernels.project_simplex(np.full(3, np.nan))
