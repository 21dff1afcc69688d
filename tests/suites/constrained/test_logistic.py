"""Constrained logistic regression: exact derivatives, feasible by construction, as published."""

import numpy as np
import pytest

from tiltyard.errors import TiltyardError
from tiltyard.registry import registry
from tiltyard.suites.constrained.logistic import Logistic

NAMES = (
    "logistic-breast-cancer",
    "logistic-synthetic",
    "logistic-synthetic[samples=50,features=15,rows=3]",
)


def build(name):
    return registry().build("constrained", name).on("cpu")


@pytest.fixture(params=NAMES)
def problem(request):
    return build(request.param)


@pytest.fixture
def point(problem):
    rng = np.random.default_rng(0)
    return rng.standard_normal(problem.n), rng.standard_normal(problem.m)


def test_facts_are_those_of_the_papers_experiment(problem):
    rows = 3 if problem.n == 15 else 10
    assert problem.facts["track"] == "equality"
    assert problem.m == rows + 1
    np.testing.assert_array_equal(problem.x0, np.ones(problem.n))
    np.testing.assert_array_equal(problem.y0, np.ones(rows + 1))
    assert not problem.c_lower.any()
    assert not problem.c_upper.any()


def test_values_are_the_formulas(problem, point):
    x, _ = point
    model = problem.model
    losses = [np.log1p(np.exp(-row @ x)) for row in model._signed]
    assert problem.objective(x) == pytest.approx(np.mean(losses), rel=1e-12)
    expected = np.append(model._A @ x - model._b, x @ x - 1.0)
    np.testing.assert_allclose(problem.constraints(x), expected, atol=1e-12)


def test_derivatives_agree_with_central_differences(problem, point):
    x, y = point
    h = 1e-5
    steps = h * np.eye(problem.n)

    def lagrangian(x):
        return problem.gradient(x) + problem.jacobian(x).T @ y

    for function, exact in (
        (problem.objective, problem.gradient(x)),
        (problem.constraints, problem.jacobian(x).T),
        (lagrangian, problem.hessian(x, y)),
    ):
        found = np.array([(function(x + e) - function(x - e)) / (2 * h) for e in steps])
        np.testing.assert_allclose(found, exact, atol=1e-7)
    np.testing.assert_allclose(
        problem.hessian(x, y, 3.0) - problem.hessian(x, y, 1.0),
        2.0 * problem.hessian(x, 0.0 * y),
        atol=1e-13,
    )


def test_second_path_agrees(problem, point):
    x, y = point
    expected = problem.gradient(x) + problem.jacobian_transpose_product(x, y)
    np.testing.assert_allclose(problem.model.lagrangian_gradient(x, y), expected, atol=1e-12)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_tensors_give_what_arrays_give(problem, point, device):
    torch = pytest.importorskip("torch")
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    model, there = problem.model, problem.model.on(device)
    x, y = (torch.tensor(part, device=device) for part in point)
    for ours, tensor in (
        (model.objective(point[0]), there.objective(x)),
        (model.gradient(point[0]), there.gradient(x)),
        (model.constraints(point[0]), there.constraints(x)),
        (model.jacobian_values(point[0]), there.jacobian_values(x)),
        (model.hessian_values(*point, 0.5), there.hessian_values(x, y, 0.5)),
    ):
        assert tensor.dtype == torch.float64
        np.testing.assert_allclose(tensor.cpu().numpy(), ours, rtol=1e-12, atol=1e-13)


def test_large_margins_do_not_overflow():
    model = Logistic(np.array([[1e4, 0.0], [0.0, 1.0]]), np.ones((1, 2)), np.zeros(1))
    far = np.array([-1.0, 0.0])
    assert model.objective(far) == pytest.approx((1e4 + np.log(2)) / 2)
    np.testing.assert_allclose(model.gradient(far), [-5e3, -0.25])
    np.testing.assert_allclose(model.gradient(-far), [0.0, -0.25])
    assert np.isfinite(model.hessian_values(far, np.ones(2))).all()


def test_hyperplanes_meet_the_sphere(problem):
    A, b = problem.model._A, problem.model._b
    assert np.linalg.norm(np.linalg.pinv(A) @ b) < 1
    assert np.linalg.matrix_rank(A) == len(A)


def test_instances_differ_and_repeat():
    first, again, other = (
        build(f"logistic-breast-cancer[instance={i}]").model._A for i in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_features_of_breast_cancer_are_standardised():
    signed = build("logistic-breast-cancer").model._signed
    np.testing.assert_allclose((signed**2).mean(axis=0), 1.0)
    assert signed.shape == (569, 30)


def test_a_users_file(tmp_path):
    path = tmp_path / "data.txt"
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 12))
    lines = [
        f"{i % 2} " + " ".join(f"{j + 1}:{float(v)!r}" for j, v in enumerate(row))
        for i, row in enumerate(X)
    ]
    path.write_text("\n".join(lines) + "\n")
    problem = build(f"logistic-libsvm[file={path},rows=2]")
    assert (problem.n, problem.m) == (12, 3)
    signs = np.where(np.arange(40) % 2, 1.0, -1.0)
    np.testing.assert_array_equal(problem.model._signed, signs[:, None] * X)
    wider = build(f"logistic-libsvm[file={path},features=14,rows=2]")
    assert wider.n == 14


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("logistic-synthetic[features=12,rows=11]", "has no solution of norm 1, the least is"),
        ("logistic-synthetic[features=10]", "rows=10: must be at least 1 and below 10"),
        ("logistic-synthetic[rows=0]", "rows=0: must be at least 1"),
        ("logistic-synthetic[features=1,rows=1]", "1 features; at least 2"),
        ("logistic-synthetic[features=-3]", "features; at least 2"),
        ("logistic-synthetic[features=3000]", "3000 features; at least 2 and at most 2000"),
        ("logistic-synthetic[samples=0]", "samples=0: takes at least 1"),
        ("logistic-synthetic[samples=100000000]", "takes at least 1, and 2\\^28 entries at most"),
        ("logistic-libsvm", "no LIBSVM file is named"),
    ],
)
def test_bad_parameters_are_told_in_a_line(name, reason):
    with pytest.raises(TiltyardError, match=reason) as caught:
        build(name)
    assert "\n" not in str(caught.value)
