"""Classifiers as lower levels: derivatives, bounds of curvature, data, published values."""

import numpy as np
import pytest
import torch

from tiltyard.datasets.scikit_learn import digits
from tiltyard.errors import TiltyardError
from tiltyard.registry import registry
from tiltyard.suites.bilevel._classifiers import Cleaning, Regularised
from tiltyard.suites.bilevel._held_out import Cleaned, auc, f1
from tiltyard.suites.bilevel._split import corrupted
from tiltyard.suites.bilevel.model import Model

BOX = (-12.0, 6.0)


def data(classes, n=12, d=3, m=7):
    rng = np.random.default_rng(0)
    return {
        "features": rng.standard_normal((n, d)),
        "labels": rng.integers(0, classes, n),
        "upper_features": rng.standard_normal((m, d)),
        "upper_labels": rng.integers(0, classes, m),
    }


MODELS = {
    "each weight": Regularised(data(4), 4, (4, 3), -1.0, BOX),
    "classes": Regularised(data(4), 4, (4, 1), -1.0, BOX),
    "one": Regularised(data(4), 4, (1, 1), -1.0, BOX),
    "features, two classes": Regularised(data(2), 2, (1, 3), -1.0, BOX),
    "cleaning": Cleaning(data(4), 4, 2e-2, (-10.0, 10.0)),
    "cleaning, two classes": Cleaning(data(2), 2, 2e-2, (-10.0, 10.0)),
}

LEVELS = {
    "upper": ("upper_gradient_x", "upper_gradient_y", "upper_gradients"),
    "lower": ("lower_gradient_x", "lower_gradient_y", "lower_gradients"),
}


def random(*sizes):
    rng = np.random.default_rng(1)
    return [torch.from_numpy(rng.standard_normal(size)) for size in sizes]


def same(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("rows", [None, torch.tensor([5, 0, 3])], ids=["all", "rows"])
@pytest.mark.parametrize("name", MODELS)
def test_derivatives_are_those_of_automatic_differentiation(name, rows):
    model = MODELS[name].on("cpu")
    x, y, v = random(model.dim_x, model.dim_y, model.dim_y)
    for oracles in LEVELS.values():
        for oracle in oracles:
            same(getattr(model, oracle)(x, y, rows), getattr(Model, oracle)(model, x, y, rows))
    for oracle in ("hessian_product", "cross_product"):
        found = getattr(model, oracle)(x, y, v, rows)
        same(found, getattr(Model, oracle)(model, x, y, v, rows))


@pytest.mark.parametrize("name", MODELS)
def test_a_mean_over_rows_is_the_mean_of_single_rows(name):
    model = MODELS[name].on("cpu")
    x, y = random(model.dim_x, model.dim_y)
    for level, size in (("lower", model.n_lower), ("upper", model.n_upper)):
        function = getattr(model, level)
        parts = torch.stack([function(x, y, torch.tensor([row])) for row in range(size)])
        same(function(x, y, None), parts.mean())


@pytest.mark.parametrize("spread", [0.0, 1.0, 30.0])
@pytest.mark.parametrize("name", MODELS)
def test_curvature_bounds_the_eigenvalues(name, spread):
    model = MODELS[name].on("cpu")
    x, y = random(model.dim_x, model.dim_y)
    x = model.project_x(3.0 * x)
    columns = [
        model.hessian_product(x, spread * y, unit, None)
        for unit in torch.eye(model.dim_y, dtype=torch.float64)
    ]
    values = torch.linalg.eigvalsh(torch.stack(columns))
    mu, L = model.curvature(x)
    assert 0.0 < mu <= float(values[0]) * (1.0 + 1e-12)
    assert float(values[-1]) <= L * (1.0 + 1e-12)


def test_the_bound_of_curvature_is_met():
    two = {"features": np.ones((1, 1)), "labels": np.zeros(1, dtype=np.int64)}
    model = Regularised(
        {**two, "upper_features": two["features"], "upper_labels": two["labels"]},
        2,
        (1, 1),
        -1.0,
        BOX,
    ).on("cpu")
    x, y, v = model.x0, model.y0, torch.ones(1, dtype=torch.float64)
    same(model.hessian_product(x, y, v, None), v * model.curvature(x)[1])


def test_large_scores_do_not_overflow():
    for model in MODELS.values():
        at = model.on("cpu")
        (y,) = random(at.dim_y)
        assert np.isfinite(float(at.lower(at.x0, 1e4 * y, None)))
        assert at.lower_gradient_y(at.x0, 1e4 * y, None).isfinite().all()


PROBLEMS = ["mlr-scalar", "mlr-digits", "mlr-digits[hyperparameters=10]", "clean-digits", "svm"]


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_miniature_is_small_and_of_the_same_kind(name):
    problem = registry().build("bilevel", name)
    small = problem.model.miniature()
    assert sum(array.nbytes for array in small.arrays.values()) < 2**20
    assert small.n_lower <= 40
    assert small.n_upper <= 40
    for fact in ("convexity", "unique", "form", "joint"):
        assert getattr(small, fact) == getattr(problem.model, fact)
    x, y = small.on("cpu").x0, small.on("cpu").y0
    assert small.on("cpu").lower_gradient_y(x, y, None).isfinite().all()


def settle(model, x):
    """Return y*(x) by Newton's method from y0."""
    y = model.y0.clone()
    eye = torch.eye(model.dim_y, dtype=torch.float64)
    for _ in range(20):
        slope = model.lower_gradient_y(x, y, None)
        if float(slope.norm()) <= 1e-12:
            return y
        H = torch.stack([model.hessian_product(x, y, unit, None) for unit in eye])
        y = y - torch.linalg.solve(H, slope)
    raise AssertionError(f"|grad f| = {float(slope.norm()):.1e}")


def test_the_start_of_mlr_has_its_published_value():
    """Phi(x0) of all three variants, whose starts are one classifier."""
    problem = registry().build("bilevel", "mlr-scalar")
    model = problem.model.on("cpu")
    y = settle(model, model.x0)
    assert float(model.upper(model.x0, y, None)) == pytest.approx(0.9339979527, abs=1e-10)
    for hyperparameters in (10, 640):
        other = registry().build("bilevel", f"mlr-digits[hyperparameters={hyperparameters}]")
        at = other.model.on("cpu")
        assert float(at.lower_gradient_y(at.x0, y, None).norm()) <= 1e-11
        assert at.dim_x == hyperparameters
    error = problem.held_out(model.x0.numpy(), y.numpy())["test_error"]
    assert error == pytest.approx(65 / 797)


def test_mlr_scalar_has_its_published_value_at_minus_nine():
    model = registry().build("bilevel", "mlr-scalar").model.on("cpu")
    x = torch.full((1,), -9.0, dtype=torch.float64)
    assert float(model.upper(x, settle(model, x), None)) == pytest.approx(0.150311120, abs=1e-9)


def test_no_digit_is_of_two_parts():
    problem = registry().build("bilevel", "mlr-scalar")
    parts = [problem.model.arrays["features"], problem.model.arrays["upper_features"]]
    rows = np.vstack([*parts, problem.held_out.features])
    np.testing.assert_array_equal(
        rows[np.lexsort(rows.T)], (digits.load()["X"] / 16)[np.lexsort(digits.load()["X"].T)]
    )
    assert [len(part) for part in parts] == [600, 400]


@pytest.mark.parametrize("corruption", [0.5, 0.1])
def test_corrupted_labels_are_wrong_and_the_rest_is_right(corruption):
    problem = registry().build("bilevel", f"clean-digits[corruption={corruption}]")
    true = registry().build("bilevel", "mlr-scalar").model.arrays["labels"]
    clean = problem.held_out.clean
    np.testing.assert_array_equal(problem.model.arrays["labels"] == true, clean)
    assert clean.sum() == round(600 * (1 - corruption))
    assert isinstance(problem.held_out, Cleaned)
    assert problem.on("cpu").held_out is None


def test_corruption_reaches_every_other_label():
    labels = np.zeros(1000, dtype=np.int64)
    found, _ = corrupted(np.random.default_rng(0), labels, 0.9, classes=5)
    assert set(found) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("corruption", [0.0, 1.0, 1e-9, -1.0])
def test_corruption_of_nothing_or_all_is_refused(corruption):
    with pytest.raises(TiltyardError, match=r"corruption=.* must leave labels of both kinds"):
        registry().build("bilevel", f"clean-digits[corruption={corruption}]")


def test_an_unknown_number_of_hyperparameters_is_refused():
    with pytest.raises(TiltyardError, match="hyperparameters=5 is neither 640 nor 10"):
        registry().build("bilevel", "mlr-digits[hyperparameters=5]")


def test_scores_of_a_cleaner():
    clean = np.array([True, True, False, False])
    assert auc(np.array([3.0, 2.0, 1.0, 0.0]), clean) == 1.0
    assert auc(np.array([0.0, 1.0, 2.0, 3.0]), clean) == 0.0
    assert auc(np.zeros(4), clean) == 0.5
    assert auc(np.array([2.0, 0.0, 0.0, 1.0]), clean) == 0.625
    assert f1(np.array([True, False, True, False]), clean) == 0.5
    assert f1(np.zeros(4, dtype=bool), clean) == 0.0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["mlr-digits", "clean-digits", "svm", "logreg-synthetic"])
def test_the_gpu_gives_the_same_numbers(name):
    problem = registry().build("bilevel", name)
    values = {}
    for device in ("cpu", "cuda"):
        model = problem.model.on(device)
        rng = np.random.default_rng(0)
        x, y, v = (
            torch.from_numpy(rng.standard_normal(size)).to(device)
            for size in (model.dim_x, model.dim_y, model.dim_y)
        )
        rows = torch.arange(0, min(model.n_lower, 200), 3, device=device)
        values[device] = [
            model.upper(x, y, None),
            model.lower(x, y, None),
            *model.upper_gradients(x, y, None),
            *model.lower_gradients(x, y, rows),
            model.hessian_product(x, y, v, rows),
            model.cross_product(x, y, v, rows),
            *model.constraint_products(x, y, model.constraints(x, y)),
            *model.project_joint(x, y),
        ]
    for mine, other in zip(values["cpu"], values["cuda"], strict=True):
        assert other.device.type == "cuda"
        torch.testing.assert_close(other.cpu(), mine, rtol=1e-10, atol=1e-10)
