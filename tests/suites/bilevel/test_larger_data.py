"""Logistic regressions of drawn and users' data, and problems of a user's MNIST."""

import struct

import numpy as np
import pytest

from tiltyard.errors import TiltyardError
from tiltyard.registry import registry


def build(name, **parameters):
    inside = ",".join(f"{key}={value}" for key, value in parameters.items())
    return registry().build("bilevel", f"{name}[{inside}]")


@pytest.fixture
def mnist(tmp_path):
    """Return the paths of 100 random images of 3 x 3 pixels and of their labels."""
    rng = np.random.default_rng(0)
    paths = {}
    for name, shape, high in (("images", (100, 3, 3), 256), ("labels", (100,), 10)):
        paths[name] = tmp_path / name
        header = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
        array = rng.integers(0, high, shape).astype(np.uint8)
        paths[name].write_bytes(header + array.tobytes())
    return paths


@pytest.mark.parametrize(("classes", "outputs"), [(2, 1), (3, 3)])
def test_synthetic_regression(classes, outputs):
    problem = build("logreg-synthetic", samples=2001, features=6, classes=classes)
    assert (problem.n_lower, problem.n_upper) == (1001, 500)
    assert len(problem.held_out.labels) == 500
    assert (problem.dim_x, problem.dim_y) == (6, 6 * outputs)
    model = problem.model.on("cpu")
    slope = model.lower_gradient_y(model.x0, model.y0, None).reshape(outputs, 6)
    sizes = slope.norm(dim=0)
    # Every second feature says nothing of the label.
    assert float(sizes[1::2].max()) < 0.5 * float(sizes[0])
    errors = [problem.held_out(model.x0.numpy(), (s * slope).numpy().ravel()) for s in (-1, 1)]
    assert errors[0]["test_error"] < (classes - 1) / classes < errors[1]["test_error"]


def test_instances_differ():
    first, second = (
        build("logreg-synthetic", samples=40, features=2, instance=i).model.arrays["features"]
        for i in range(2)
    )
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("wrong", [{"classes": 1}, {"features": 0}, {"samples": 3}])
def test_synthetic_regression_of_no_sense_is_refused(wrong):
    with pytest.raises(TiltyardError, match="logreg-synthetic: takes"):
        build("logreg-synthetic", **wrong)


def test_a_users_file_of_several_classes(tmp_path):
    file = tmp_path / "three"
    file.write_text("".join(f"{i % 3 + 1} 1:{i} 3:{i * i % 7}\n" for i in range(40)))
    problem = build("logreg-libsvm", file=file)
    # The second column is constant.
    assert (problem.dim_x, problem.dim_y, problem.n_lower) == (3, 9, 20)
    features = problem.model.arrays["features"]
    np.testing.assert_allclose(features.std(axis=0), [1.0, 0.0, 1.0], atol=1e-12)
    file.write_text("1 1:1\n2 1:x\n")
    with pytest.raises(TiltyardError, match="line 2: expected index:value, found '1:x'"):
        build("logreg-libsvm", file=file)


def test_no_file_is_refused_in_one_line():
    for name in ("logreg-libsvm", "svm-libsvm", "clean-mnist", "mlr-mnist"):
        with pytest.raises(TiltyardError, match=r"no .* file is named; give"):
            registry().build("bilevel", name)


def test_cleaning_of_mnist(mnist):
    problem = build("clean-mnist", **mnist, lower=60, upper=30)
    assert (problem.dim_x, problem.dim_y, problem.n_upper) == (60, 90, 30)
    assert problem.held_out.clean.sum() == 30
    assert float(problem.model.arrays["features"].max()) == 1.0
    assert set(problem.held_out(np.zeros(60), np.zeros(90))) == {"test_error", "auc", "f1"}


def test_regularisers_of_mnist(mnist):
    problem = build("mlr-mnist", **mnist, lower=60, upper=30)
    assert (problem.dim_x, problem.dim_y, problem.n_lower) == (90, 90, 60)
    assert set(problem.held_out(np.zeros(90), np.zeros(90))) == {"test_error"}


@pytest.mark.parametrize("sizes", [{"lower": 70, "upper": 30}, {"lower": 0, "upper": 30}])
def test_more_samples_than_there_are_is_refused(mnist, sizes):
    with pytest.raises(TiltyardError, match="fewer in all than the file's 100"):
        build("clean-mnist", **mnist, **sizes)
