"""Library problems: their facts on samples, their stored optima against brute force."""

import itertools

import numpy as np
import pytest
import torch

from tiltyard.errors import TiltyardError
from tiltyard.registry import registry
from tiltyard.suites.bilevel import _reference as references
from tiltyard.suites.bilevel._coupled import violations
from tiltyard.suites.bilevel._global import lower_minimum, minima
from tiltyard.suites.bilevel._library import LibraryModel
from tiltyard.suites.bilevel._library_index import DEFINITIONS
from tiltyard.suites.bilevel.library import SMOKE, STANDARD, library

NAMES = (*SMOKE, *STANDARD)
SPAN = 10.0


def named(name):
    return library.build(np.random.default_rng(0), problem=name)


def model_of(name):
    return LibraryModel(DEFINITIONS[name]).on("cpu")


def box(model):
    """Return finite bounds of (x, y): those of the model, or SPAN around the start."""
    a = model.arrays
    start = np.concatenate((a["x0"], a["y0"]))
    low = np.concatenate((a["x_lower"], a["y_lower"]))
    high = np.concatenate((a["x_upper"], a["y_upper"]))
    low, high = np.maximum(low, np.minimum(start, high) - SPAN), np.minimum(high, start + SPAN)
    return low, np.maximum(high, low)


def samples(model, count=20, seed=0):
    low, high = box(model)
    return np.random.default_rng(seed).uniform(low, high, (count, len(low)))


def hessian(function, z):
    return torch.autograd.functional.hessian(function, torch.from_numpy(z)).numpy()


def test_as_many_problems_as_promised():
    assert len(set(SMOKE)) == 6
    assert len(set(NAMES)) == len(NAMES) >= 46
    assert set(NAMES) == {one["problem"] for one in library.tiers["standard"]}


def test_an_unknown_name_is_refused():
    with pytest.raises(TiltyardError, match="Bard1988Ex1"):
        named("Bard1988Ex11")


@pytest.mark.parametrize("name", NAMES)
def test_stored_optimum_is_feasible_in_both_levels(name):
    model = model_of(name)
    best = references.find(model)
    assert best is not None
    assert best.name == f"library[problem={name}]"
    x, y = torch.from_numpy(best.x), torch.from_numpy(best.y)
    least = lower_minimum(model, x).value
    scale = 1.0 + max(float(x.abs().max()), float(y.abs().max()))
    assert float((x - model.project_x(x)).abs().max()) == 0.0
    assert violations(model, x, y) <= 1e-9 * scale
    assert abs(float(model.lower(x, y, None)) - least) <= 1e-8 * max(1.0, abs(least))
    assert float(model.upper(x, y, None)) == pytest.approx(best.value, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_no_grid_point_beats_the_stored_optimum(name):
    model = model_of(name)
    best = references.find(model)
    low, high = box(model)
    n = model.dim_x
    counts = {1: 9, 2: 3}[n]
    for point in itertools.product(
        *(np.linspace(a, b, counts) for a, b in zip(low[:n], high[:n], strict=True))
    ):
        x = torch.tensor(point, dtype=torch.float64)
        ends = [one for one in minima(model, x) if one.violation <= 1e-9]
        least = min((one.value for one in ends), default=np.inf)
        for one in ends:
            if one.value <= least + 1e-10 and violations(model, x, one.y) <= 1e-9:
                value = float(model.upper(x, one.y, None))
                assert value >= best.value - 1e-7 * max(1.0, abs(best.value))


@pytest.mark.parametrize("name", NAMES)
def test_facts_hold_on_samples(name):
    definition, model = DEFINITIONS[name], model_of(name)
    n = model.dim_x
    least = np.inf
    for z in samples(model):
        x = torch.from_numpy(z[:n])
        bend = hessian(lambda y, x=x: model.lower(x, y, None), z[n:])
        least = min(least, np.linalg.eigvalsh(bend)[0])
        for row in range(model.inequalities):

            def whole(z, row=row):
                return model.constraints(z[:n], z[n:])[row]

            bend = hessian(whole, z)
            if definition.form == "linear":
                assert np.abs(bend).max() <= 1e-12
            elif definition.form == "convex":
                assert np.linalg.eigvalsh(bend[n:, n:])[0] >= -1e-12
    assert (model.inequalities == 0) == (definition.form == "none")
    if definition.convexity == "strong":
        assert least > 1e-6
    elif definition.convexity == "convex":
        assert least >= -1e-9
    else:
        assert least < -1e-6


@pytest.mark.parametrize("name", [name for name in NAMES if DEFINITIONS[name].unique])
def test_unique_solutions_are_unique(name):
    model = model_of(name)
    for z in samples(model, count=4, seed=1):
        ends = [
            one
            for one in minima(model, torch.from_numpy(z[: model.dim_x]))
            if one.violation <= 1e-8
        ]
        least = min((one.value for one in ends), default=np.inf)
        solutions = [one.y for one in ends if one.value <= least + 1e-12 * max(1.0, abs(least))]
        for y in solutions[1:]:
            assert float((y - solutions[0]).abs().max()) <= 1e-3 * (1.0 + float(y.abs().max()))


@pytest.mark.parametrize("name", [name for name in NAMES if DEFINITIONS[name].form == "linear"])
def test_joint_projection_is_the_nearest_point(name):
    model = model_of(name)
    n = model.dim_x
    rng = np.random.default_rng(2)
    low, high = box(model)
    at = [torch.from_numpy(rng.uniform(low - 5.0, high + 5.0)) for _ in range(4)]
    nearest = [torch.cat(model.project_joint(p[:n], p[n:])) for p in at]
    for p, z in zip(at, nearest, strict=True):
        assert violations(model, z[:n], z[n:]) <= 1e-9 * (1.0 + float(p.abs().max())) or (
            model.upper_inequalities
        )
        if model.inequalities:
            assert float(model.constraints(z[:n], z[n:]).max()) <= 1e-9
        for other in nearest:
            # A projection z of p onto a convex set has (p - z)'(w - z) <= 0 for all w of the set.
            assert float((p - z) @ (other - z)) <= 1e-8 * (1.0 + float((p - z).norm()))


def test_wrong_optima_of_the_tables_are_beaten_by_feasible_points():
    for name, x, y, value in (
        ("Dempe1992b", [0.0], [0.0], 28.25),
        ("MitsosBarton2006Ex318", [1.0], [0.0], -1.0),
        ("FalkLiu1995", [0.75, 0.75], [0.75, 0.75], -2.25),
    ):
        model = model_of(name)
        point = torch.tensor(x, dtype=torch.float64), torch.tensor(y, dtype=torch.float64)
        least = lower_minimum(model, point[0]).value
        assert violations(model, *point) == 0.0
        assert float(model.lower(*point, None)) == pytest.approx(least, abs=1e-12)
        assert float(model.upper(*point, None)) == value < DEFINITIONS[name].published


def test_judge_gives_the_stored_optimum_no_gap():
    problem = named("MitsosBarton2006Ex314")
    judge = registry().suite("bilevel").judge(problem)
    best = references.find(problem.model)
    verdict = judge.score(judge.accept({"x": best.x, "y": best.y}))
    assert verdict.sound
    assert verdict.metrics["gap"] <= 1e-9


def test_functions_take_grids_as_well_as_tensors():
    for name in NAMES:
        definition, model = DEFINITIONS[name], model_of(name)
        points = samples(model, count=5, seed=3)
        values = np.broadcast_to(definition.f(*points.T), 5)
        n = model.dim_x
        for z, value in zip(torch.from_numpy(points), values, strict=True):
            assert float(model.lower(z[:n], z[n:], None)) == pytest.approx(value, rel=1e-12)
