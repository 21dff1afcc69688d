"""Denoising: derivatives, bounds of curvature, adjoints, images."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.suites.bilevel.agreement import assert_curvature, assert_derivatives, point
from tiltyard.datasets.scikit_learn import photographs
from tiltyard.errors import TiltyardError
from tiltyard.registry import registry
from tiltyard.suites.bilevel._denoising import TotalVariation


def variation(start=(-1.0, -2.0), shape=(2, 5, 5)):
    clean, noisy = np.random.default_rng(0).random((2, *shape))
    return TotalVariation(clean, noisy, np.array(start)).on("cpu")


def test_derivatives_are_those_of_automatic_differentiation():
    assert_derivatives(variation())


@given(weight=st.floats(-8.0, 0.0), smoothing=st.floats(-8.0, 0.0))
def test_curvature_bounds_the_hessian(weight, smoothing):
    assert_curvature(variation((weight, smoothing)), spread=0.01)


def test_bound_of_curvature_is_tight_for_a_chessboard():
    # Differences are all of one size there; without differences the smoothing counts alone.
    model = variation(shape=(1, 40, 40))
    rows, columns = np.indices((40, 40))
    board = torch.from_numpy((-1.0) ** (rows + columns)).flatten()
    flat = torch.zeros(model.dim_y).double()
    product = model.hessian_product(model.x0, flat, board, None)
    assert float(product @ board) / model.dim_y > 0.97 * model.curvature(model.x0)[1]


def test_lower_level_is_that_of_the_docstring():
    problem = registry().build("bilevel", "tv2[size=6]")
    model = problem.model.on("cpu")
    x, y, _, _ = point(model)
    u, noisy, clean = (z.numpy().reshape(2, 6, 6) for z in (y, model.noisy, model.clean))
    w, s = np.exp(x.numpy())
    total = sum(
        np.sqrt(np.diff(image, axis=axis) ** 2 + s**2).sum() for image in u for axis in (0, 1)
    )
    expected = 0.5 * np.sum((u - noisy) ** 2) + w * total
    assert float(model.lower(x, y, None)) == pytest.approx(expected, rel=1e-13)
    expected = np.mean([0.5 * np.sum((a - b) ** 2) for a, b in zip(u, clean, strict=True)])
    assert float(model.upper(x, y, None)) == pytest.approx(expected, rel=1e-13)


def test_images_are_grey_means_with_noise():
    arrays = registry().build("bilevel", "tv2").model.arrays
    clean, noise = arrays["clean"], arrays["noisy"] - arrays["clean"]
    assert 0.0 <= clean.min() < 0.1
    assert 0.9 < clean.max() <= 1.0
    assert noise.std() == pytest.approx(0.1, rel=0.05)
    assert abs(noise.mean()) < 0.01
    # 48 x 8 = 384 of 427 rows, from row 21; 384 of 640 columns, from column 128.
    square = photographs.load()["images"][0, 21:29, 128:136] @ [0.299, 0.587, 0.114]
    assert clean[0] == pytest.approx(square.mean() / 255.0)


@pytest.mark.parametrize("size", [1, 428])
def test_sizes_that_make_no_image_are_refused(size):
    with pytest.raises(TiltyardError, match="must be from 2 to 427"):
        registry().build("bilevel", f"tv2[size={size}]")
