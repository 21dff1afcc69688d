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
from tiltyard.suites.bilevel._denoising import FieldOfExperts, TotalVariation


def variation(start=(-1.0, -2.0), shape=(2, 5, 5)):
    clean, noisy = np.random.default_rng(0).random((2, *shape))
    return TotalVariation(clean, noisy, np.array(start)).on("cpu")


def experts(logarithm=-1.0, filters=3, size=2, shape=(2, 5, 5), seed=0):
    rng = np.random.default_rng(seed)
    clean, noisy = rng.random((2, *shape))
    x0 = np.full(1 + 2 * filters, logarithm)
    x0 = np.append(x0, rng.standard_normal(filters * size * size))
    return FieldOfExperts(clean, noisy, x0, filters, size).on("cpu")


@pytest.mark.parametrize("model", [variation(), experts()], ids=["tv2", "foe"])
def test_derivatives_are_those_of_automatic_differentiation(model):
    assert_derivatives(model)


@given(weight=st.floats(-8.0, 0.0), smoothing=st.floats(-8.0, 0.0))
def test_curvature_bounds_the_hessian(weight, smoothing):
    assert_curvature(variation((weight, smoothing)), spread=0.01)


@given(seed=st.integers(0, 100), logarithm=st.floats(-8.0, 0.0))
def test_curvature_bounds_the_hessian_of_experts(seed, logarithm):
    assert_curvature(experts(logarithm, seed=seed), spread=0.1)


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


def test_a_field_of_experts_is_that_of_the_docstring():
    problem = registry().build("bilevel", "foe[filters=2,size=3,pixels=8]")
    model = problem.model.on("cpu")
    x, y, _, _ = point(model)
    a, b, c = x[0], x[1:3], x[3:5]
    kernels = x[5:].view(2, 3, 3)
    expected = 0.5 * (y - model.noisy).square().sum()
    patches = y.view(2, 8, 8).unfold(1, 3, 1).unfold(2, 3, 1)
    for k in range(2):
        z = (patches * kernels[k]).sum(dim=(3, 4))
        expected += (a + b[k]).exp() * (z.square() + (2.0 * c[k]).exp()).sqrt().sum()
    assert float(model.lower(x, y, None)) == pytest.approx(float(expected), rel=1e-13)


def test_full_size_has_2449_hyperparameters():
    problem = registry().build("bilevel", "foe[filters=48,size=7,pixels=256]")
    assert (problem.dim_x, problem.dim_y) == (2449, 2 * 256 * 256)
    assert problem.model.miniature().dim_y == 13 * 13


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["tv2", "foe"])
def test_oracles_are_the_same_on_a_gpu(name):
    problem = registry().build("bilevel", name)
    x, y, v, _ = point(problem.model.on("cpu"))
    near, far = problem.model.on("cpu"), problem.model.on("cuda")
    for oracle in ("lower_gradient_x", "lower_gradient_y"):
        found = getattr(far, oracle)(x.cuda(), y.cuda(), None)
        torch.testing.assert_close(found.cpu(), getattr(near, oracle)(x, y, None))
    for oracle in ("hessian_product", "cross_product"):
        found = getattr(far, oracle)(x.cuda(), y.cuda(), v.cuda(), None)
        torch.testing.assert_close(found.cpu(), getattr(near, oracle)(x, y, v, None))


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


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tv2[size=1]", "must be from 2 to 427"),
        ("tv2[size=428]", "must be from 2 to 427"),
        ("foe[size=5,pixels=4]", "must be from 5 to 427"),
        ("foe[filters=0]", "0 filters"),
        ("foe[size=1]", "filters of 1 x 1"),
    ],
)
def test_sizes_that_make_no_problem_are_refused(name, reason):
    with pytest.raises(TiltyardError, match=reason):
        registry().build("bilevel", name)
