"""The judge on small problems of the literature, whose lower levels need not be convex."""

import math

import numpy as np
import pytest
import torch

from tests.suites.bilevel.small import problem
from tiltyard.registry import discover
from tiltyard.suites.bilevel import _reference as references
from tiltyard.suites.bilevel._coupled import WORST, Library
from tiltyard.suites.bilevel._judge import BilevelJudge
from tiltyard.suites.bilevel.library import SMOKE, STANDARD
from tiltyard.suites.bilevel.model import Model


class Wells(Model):
    """f = (y^2 - 1)^2 + x y on [-2, 2]: the lower well is on the side that x is not."""

    convexity = "nonconvex"

    def __init__(self):
        super().__init__([0.5], [0.9], x_lower=-1.0, x_upper=1.0, y_lower=-2.0, y_upper=2.0)

    def upper(self, x, y, rows):
        return (y.sum() + 1.0).square() + x.square().sum()

    def lower(self, x, y, rows):
        return (y.square() - 1.0).square().sum() + x @ y


def score(judge, **answer):
    return judge.score(judge.accept(answer))


def test_a_local_minimum_of_the_lower_level_is_no_solution(monkeypatch):
    monkeypatch.setattr(references, "_stored", tuple)
    judge = BilevelJudge(problem(Wells(), "library"))
    y = {side: _well(0.5, side) for side in (-1.0, 1.0)}
    best = score(judge, x=[0.5], y=[y[-1.0]]).metrics
    local = score(judge, x=[0.5], y=[y[1.0]]).metrics
    assert best["lower_gap"] <= 1e-12
    assert best["lower_distance"] <= 1e-12
    assert local["lower_gap"] == pytest.approx(1.0, abs=0.1)
    assert local["lower_distance"] > 1.0


def test_the_gradient_is_that_of_the_global_minimum():
    scorer = Library(Wells(), None)
    found = scorer.solve(torch.tensor([0.5], dtype=torch.float64))
    y = _well(0.5, -1.0)
    # y*' = -1 / f_yy.
    exact = 1.0 - 2.0 * (y + 1.0) / (12.0 * y * y - 4.0)
    assert float(found.gradient) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "x", "y", "objective"),
    [
        ("Bard1988Ex1", [1.0], [0.0], 17.0),
        ("ClarkWesterberg1990a", [1.0], [3.0], 5.0),
        ("Dempe1992b", [0.0], [0.0], 28.25),
        ("GumusFloudas2001Ex1", [11.25], [5.0], 2250.0),
    ],
)
def test_optima_of_the_literature_are_feasible(name, x, y, objective):
    judge = BilevelJudge(discover(()).build("bilevel", f"library[problem={name}]"))
    metrics = score(judge, x=x, y=y).metrics
    assert metrics["objective"] == pytest.approx(objective, abs=1e-9)
    assert metrics["infeasibility"] <= 1e-9
    assert metrics["lower_gap"] <= 1e-9


def test_an_infeasible_lower_level_has_a_huge_gap():
    built = discover(()).build("bilevel", "library[problem=Dempe1992b]")
    x, y = built.start()
    verdict = score(BilevelJudge(built), x=x, y=y)
    assert verdict.metrics["gap"] == WORST
    assert verdict.certificate["lower_level"] == "infeasible"
    assert math.isnan(verdict.metrics["lower_distance"])


def _well(x, side):
    """Return the stationary point of (y^2 - 1)^2 + x y in the well on one side."""
    roots = np.roots([4.0, 0.0, -4.0, x])
    return float(min(roots.real, key=lambda y: abs(y - side)))


def grid_minimum(model, x, count):
    """Return the least f on a grid over the box around the start, or over Y where it is bounded."""
    low, high = (model.arrays[f"y_{end}"] for end in ("lower", "upper"))
    low = np.where(np.isfinite(low), low, model.arrays["y0"] - 8.0)
    high = np.where(np.isfinite(high), high, model.arrays["y0"] + 8.0)
    axes = [np.linspace(start, end, count) for start, end in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(low))
    with torch.no_grad():
        y = torch.from_numpy(points)
        values = torch.func.vmap(lambda one: model.lower(x, one, None))(y).numpy()
        if model.inequalities:
            g = torch.func.vmap(lambda one: model.constraints(x, one))(y).numpy()
            values = np.where((g <= 0.0).all(axis=1), values, np.inf)
    return float(values.min())


@pytest.mark.parametrize("name", [*SMOKE, *STANDARD])
def test_no_point_of_a_grid_is_below_the_judges_lower_minimum(name):
    problem = discover(()).build("bilevel", f"library[problem={name}]")
    judge, model = BilevelJudge(problem), problem.model.on("cpu")
    low, high = (model.arrays[f"x_{end}"] for end in ("lower", "upper"))
    low = np.where(np.isfinite(low), low, model.arrays["x0"] - 5.0)
    high = np.where(np.isfinite(high), high, model.arrays["x0"] + 5.0)
    for x in np.random.default_rng(1).uniform(low, high, (5, model.dim_x)):
        point = torch.from_numpy(x)
        least = grid_minimum(model, point, {1: 1001, 2: 61}[model.dim_y])
        found = judge._scorer.solve(point).value if isinstance(judge._scorer, Library) else least
        assert found <= least + 1e-7 * max(1.0, abs(least))
