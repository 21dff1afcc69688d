"""References are found by what a problem computes, read strictly, and exact where a formula is."""

import json
import math

import numpy as np
import pytest

from tests.suites.bilevel.small import Program, Ridge, quadratic
from tiltyard.errors import TiltyardError
from tiltyard.registry import discover
from tiltyard.suites.bilevel import _reference as references
from tiltyard.suites.bilevel._judge import BilevelJudge
from tiltyard.suites.bilevel._reference import Reference, computed, fingerprint, load, save


def entry(**changes):
    values = {
        "name": "one",
        "kind": "verified",
        "value": 1.5,
        "gradient": 1e-9,
        "ways": ("a", "b"),
        "provenance": "test",
        "fingerprint": (1.0, 2.0),
        "x": np.array([1.0, 2.0]),
    }
    return Reference(**{**values, **changes})


def test_written_references_are_read_back(tmp_path):
    path = tmp_path / "references.json"
    save({"one": entry(), "two": entry(name="two", gradient=math.nan, x=None)}, path)
    found = load(path)
    assert found["one"].x.tolist() == [1.0, 2.0]
    assert found["one"].y is None
    assert found["one"].ways == ("a", "b")
    assert math.isnan(found["two"].gradient)
    assert found["two"].x is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "guessed"}, "kind 'guessed' is none of"),
        ({"value": None}, "its value is not finite"),
        ({"value": "high"}, "could not convert"),
        ({"odd": 1}, "unknown or missing odd"),
        ({"x": "abc"}, "could not convert"),
    ],
)
def test_wrong_entries_are_refused(tmp_path, change, message):
    path = tmp_path / "references.json"
    values = {**entry().to_json(), **change}
    path.write_text(json.dumps({"format": 1, "references": [values]}))
    with pytest.raises(TiltyardError, match=message):
        load(path)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2, "references": []}'])
def test_wrong_files_are_refused(tmp_path, text):
    path = tmp_path / "references.json"
    path.write_text(text)
    with pytest.raises(TiltyardError, match="references"):
        load(path)


def test_found_by_what_the_model_computes(monkeypatch):
    model, other = Ridge(0), Ridge(1)
    stored = entry(fingerprint=fingerprint(model))
    monkeypatch.setattr(references, "_stored", lambda: (entry(), stored))
    assert references.find(model) is stored
    assert references.find(Ridge(0)) is stored
    assert references.find(other) is None
    assert references.find(Program()) is None


def test_bounds_are_part_of_the_fingerprint():
    assert fingerprint(Ridge(box=(-6.0, 2.0))) != fingerprint(Ridge(box=(-6.0, 1.0)))


def test_a_formula_needs_no_entry(monkeypatch):
    monkeypatch.setattr(references, "_stored", tuple)
    found = references.find(quadratic())
    assert found.kind == "closed form"
    assert found.value == computed(quadratic()).value


def test_every_shipped_reference_is_what_the_judge_finds():
    """Evaluate each stored point anew; x alone is enough to find y where the track has it so."""
    registry = discover(())
    for name, reference in load().items():
        problem = registry.build("bilevel", name)
        judge = BilevelJudge(problem)
        assert judge._reference is not None, name
        assert judge._reference.value == reference.value
        assert (reference.kind != "verified") | (len(reference.ways) >= 2)
        if reference.x is None or (problem.track == "library" and reference.y is None):
            continue
        answer = {"x": reference.x} | ({} if reference.y is None else {"y": reference.y})
        verdict = judge.score(judge.accept(answer))
        assert verdict.sound, name
        assert verdict.metrics["gap"] <= 1e-8, name
        assert verdict.metrics["objective"] == pytest.approx(reference.value, rel=1e-9, abs=1e-9)
