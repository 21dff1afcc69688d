"""References: the file, what finds them, and the polish that makes them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tiltyard.errors import TiltyardError
from tiltyard.registry import registry
from tiltyard.suites.constrained import reference as references
from tiltyard.suites.constrained._polish import polish
from tiltyard.suites.constrained.builder import Builder
from tiltyard.suites.constrained.judge import ConstrainedJudge
from tiltyard.suites.constrained.reference import Reference


def tube(n=3, level=1.0):
    """Return min sum x_i subject to |x|^2 <= level: x_i = -sqrt(level / n)."""
    b = Builder(np.full(n, -0.4))
    b.minimise(b.x[np.arange(n)])
    b.add(np.repeat(b.rows(1, upper=level), n), b.x[np.arange(n)] ** 2)
    return b.problem()


def entry(problem, **changes):
    """Return one reference of a problem as JSON."""
    made = Reference(
        name="tube[]",
        n=problem.n,
        m=problem.m,
        kind="verified",
        value=-(problem.n**0.5),
        kkt=float("nan"),
        violation=0.0,
        multiplier_sum=1.0,
        solvers=("one 1", "two 2"),
        provenance="by hand",
        fingerprint=references.fingerprint(problem.model),
        x=np.full(problem.n, -(problem.n**-0.5)),
    )
    return {**made.to_json(), **changes}


def test_what_is_saved_is_loaded(tmp_path):
    one = Reference.from_json(entry(tube()))
    path = tmp_path / "references.json"
    references.save({one.name: one}, path)
    (back,) = references.load(path).values()
    assert back.to_json() == one.to_json()
    assert np.isnan(back.kkt)
    np.testing.assert_array_equal(back.x, one.x)


def test_the_fingerprint_tells_problems_of_one_size_apart(monkeypatch):
    one = Reference.from_json(entry(tube()))
    monkeypatch.setattr(references, "_by_size", lambda: {(3, 1): [one]})
    assert references.find(tube().model) is one
    assert references.find(tube(level=1.001).model) is None
    assert references.find(tube(n=4).model) is None
    told = ConstrainedJudge(tube()).reference()
    assert told["value"] == -(3**0.5)
    assert told["solvers"] == "one 1; two 2"
    assert ConstrainedJudge(tube(level=2.0)).reference() == {}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"kind": "guessed"}, "kind"),
        ({"value": None}, "not finite"),
        ({"x": [1.0]}, "shape"),
        ({"n": "three"}, "three"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_entry_is_refused(changes, complaint):
    with pytest.raises(TiltyardError, match=complaint):
        Reference.from_json(entry(tube(), **changes))


@pytest.mark.parametrize("text", ["", "[]", '{"format": 0}', "{"])
def test_a_wrong_file_is_refused(tmp_path, text):
    path = tmp_path / "references.json"
    path.write_text(text)
    with pytest.raises(TiltyardError, match="references"):
        references.load(path)


def test_the_suite_s_own_references_are_sorted_and_stand():
    known = references.load()
    assert list(known) == sorted(known)
    content = json.loads(references.FILE.read_text())
    assert len(content["references"]) == len(known)
    checked = 0
    for name, one in list(known.items())[::8]:
        if one.x is None or registry().family("constrained", name.partition("[")[0]).missing():
            continue
        problem = registry().build("constrained", name)
        judge = ConstrainedJudge(problem)
        verdict = judge.score(judge.accept(one.x))
        assert references.find(problem.model) is not None
        assert verdict.metrics["objective"] == pytest.approx(one.value, rel=1e-9, abs=1e-9)
        if one.kind == "verified":
            assert verdict.metrics["kkt"] <= 1e-9
        checked += 1
    assert checked or not known


@pytest.mark.parametrize("n", [3, 500])
def test_the_polish_reaches_the_last_digits(n):
    problem = tube(n)
    near = np.full(n, -(n**-0.5)) * (1.0 + 1e-3 * np.cos(np.arange(n)))
    done = polish(problem.model, near)
    assert done.residuals.kkt <= 1e-12
    assert done.point.objective == pytest.approx(-(n**0.5), rel=1e-13)
