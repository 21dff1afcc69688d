"""JAXopt's implicit gradients through counted oracles; without JAX, what to install."""

import importlib.util
import itertools

import numpy as np
import pytest
import torch

from tests.implementations.bilevel import written
from tests.suites.bilevel.small import Ridge, quadratic
from tiltyard.implementations.bilevel.jaxopt_implicit import jaxopt_implicit

pytestmark = pytest.mark.filterwarnings("ignore:JAXopt is no longer maintained")

NEEDED = ("jax", "jaxopt")
absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
with_jaxopt = pytest.mark.skipif(bool(absent), reason=f"needs {' and '.join(absent)}")


@pytest.mark.skipif(not absent, reason="JAX is here")
def test_without_jax_the_reason_says_what_to_install():
    seen = written.problem(quadratic(), "deterministic")
    expected = f"needs {absent[0]}: pip install 'tiltyard[jaxopt]'"
    assert jaxopt_implicit.unsupported(seen, "cpu") == expected


@with_jaxopt
def test_the_optimum_of_a_quadratic():
    model = quadratic()
    seen = written.problem(model, "deterministic")
    given = jaxopt_implicit.function(seen, np.random.default_rng(0))
    *_, answer = itertools.islice(given, 15)
    on = model.on("cpu")
    A, C, a, E, H, e, h = (getattr(on, f"mean_{name}") for name in "ACaEHeh")
    S, s = -torch.linalg.solve(A, C.T), -torch.linalg.solve(A, a)
    expected = torch.linalg.solve(H + S.T @ E @ S, -(h + S.T @ (E @ s + e)))
    np.testing.assert_allclose(answer["x"], expected, atol=1e-4)


@with_jaxopt
def test_every_product_is_charged_and_none_that_was_not_asked_for():
    seen = written.problem(Ridge(), "stochastic")
    first, second = itertools.islice(jaxopt_implicit.function(seen, np.random.default_rng(0)), 2)
    assert second["x"].shape == first["x"].shape
    told = {oracle: calls / 30 for oracle, calls in seen.ledger.oracles.items()}
    assert told["F"] == told["F_x"] == told["F_y"] == told["cross"]
    assert told["hvp"] >= told["cross"]
    assert told["f_y"] >= told["f"] > told["hvp"]
    assert set(told) == {"F", "F_x", "F_y", "f", "f_y", "hvp", "cross"}
