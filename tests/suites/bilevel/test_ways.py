"""The ways that settle references agree where the answer is known, and are told apart where not."""

import numpy as np
import pytest

from tests.suites.bilevel.small import Program, Ridge, quadratic
from tiltyard.suites.bilevel import _settle, _ways
from tiltyard.suites.bilevel._affine import NearestLower
from tiltyard.suites.bilevel._formulas import optimum
from tiltyard.suites.bilevel._referee import names
from tiltyard.suites.bilevel._ways import (
    End,
    Landscape,
    lbfgs,
    polish,
    scan,
    simplex,
    truncated_newton,
)


@pytest.mark.parametrize("way", [lbfgs, truncated_newton])
def test_ways_find_the_closed_form(way):
    model = quadratic()
    x, _, _ = optimum(model)
    landscape = Landscape(model)
    end = way(landscape, landscape.z0)
    assert np.allclose(landscape.x(end.z), x, atol=1e-6)
    assert np.allclose(landscape.y(end.z), optimum(model)[1], atol=1e-6)
    assert landscape.evaluations > 1


def test_ways_agree_in_one_dimension(monkeypatch):
    monkeypatch.setattr(_ways, "SCAN", 101)
    landscape = Landscape(Ridge(box=(-4.0, 2.0)))
    ends = [way(landscape, landscape.z0) for way in (scan, lbfgs, simplex)]
    values = [end.value for end in ends]
    assert max(values) - min(values) <= 1e-8


def test_polish_reaches_a_vanishing_gradient():
    landscape = Landscape(quadratic())
    start = landscape.end("start", landscape.z0)
    end = polish(landscape, start)
    assert end.gradient <= 1e-9 < start.gradient
    assert end.way == "start"


def test_polish_respects_bounds():
    landscape = Landscape(Ridge(box=(-1.0, 2.0)))
    end = polish(landscape, landscape.end("start", np.array([-0.999])))
    assert end.z[0] >= -1.0
    assert end.value <= landscape.value(np.array([-0.999]))


def test_affine_sets_have_coordinates_of_their_own():
    rng = np.random.default_rng(0)
    A, H, B = rng.random((3, 6)), rng.random((3, 6)), rng.random((1, 6))
    model = NearestLower(H, A, B, rng.random(6), rng.random(6))
    landscape = Landscape(model)
    assert len(landscape.z0) == 5
    x = landscape.x(rng.standard_normal(5))
    assert np.abs(B @ x).max() <= 1e-12


def test_gradients_of_constrained_landscapes_are_finite():
    landscape = Landscape(Program())
    assert np.isfinite(landscape.slope(landscape.z0)).all()
    assert landscape.stationary(landscape.z0) == pytest.approx(
        np.linalg.norm(landscape.slope(landscape.z0))
    )


@pytest.mark.parametrize(
    ("values", "gradient", "kind"),
    [
        ((1.0, 1.0 + 1e-9), 1e-9, "verified"),
        ((1.0, 1.1), 1e-9, "best known"),
        ((1.0, 1.0), 1e-6, "best known"),
        ((1.0, 1.0), np.nan, "best known"),
    ],
)
def test_verified_needs_two_ways_and_a_vanishing_gradient(monkeypatch, values, gradient, kind):
    ends = iter(values)

    def way(name):
        return lambda landscape, z: End(name, z, next(ends), gradient)

    monkeypatch.setattr(_settle, "_ways", lambda *_, **__: (way("a"), way("b")))
    monkeypatch.setattr(_settle, "polish", lambda _, end: end)
    found = _settle.settle("mlr-scalar", starts=1)
    assert found.kind == kind
    assert found.value == 1.0


def test_what_is_settled_elsewhere_is_told():
    name = "hypergradient-quad[dim_x=20,dim_y=200,conditioning=10.0,instance=0]"
    assert _settle.settle(name) == "the judge's hypergradient is the reference"
    assert _settle.settle("quad").kind == "closed form"


def test_names_match_patterns():
    assert "mlr-scalar" in names(["mlr-*"], ["smoke"])
    assert names(["svm"], ["smoke"]) == ["svm[instance=0]"]
