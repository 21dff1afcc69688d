"""References: the file, what finds them, and what happens to those that do not stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.suites.lipschitz.small import chain, linear, problem, various
from tiltyard.errors import TiltyardError
from tiltyard.registry import registry
from tiltyard.suites.lipschitz import reference as references
from tiltyard.suites.lipschitz._lower import lower_bounds
from tiltyard.suites.lipschitz._referee import main, names
from tiltyard.suites.lipschitz._settle import Settling
from tiltyard.suites.lipschitz.judge import LipschitzJudge
from tiltyard.suites.lipschitz.reference import Entry

TASK = problem(chain(4, 6, 3), centers=np.repeat([[0.0], [1.0]], 4, axis=1))
KEY = references.digest(TASK)


def entry(task=TASK, **changes):
    """Return an entry that stands, exact in its first region, with changes."""
    _, points = lower_bounds(task, 0)
    points = points.astype(np.float32)
    made = Settling("small[]", task, None)
    made.add(points.astype(np.float64))
    stands = made.entry()
    exact = stands.lower.copy()
    exact[1:] = np.nan
    return replace(stands, **{"exact": exact, "how": "by hand", **changes})


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Return a function that makes entries of TASK the only ones."""

    def ship(one):
        path = tmp_path / "references.npz"
        references.save({KEY: one}, path)
        monkeypatch.setattr(references, "FILE", path)
        references._known.cache_clear()
        return path

    yield ship
    references._known.cache_clear()


def test_what_is_saved_is_loaded(shipped):
    one = entry()
    back = references.load(shipped(one))
    assert list(back) == [KEY]
    for name in ("lower", "exact", "witness"):
        np.testing.assert_array_equal(getattr(back[KEY], name), getattr(one, name))
    assert (back[KEY].name, back[KEY].how) == ("small[]", "by hand")


def test_a_shipped_reference_is_used_and_told(shipped):
    one = entry()
    shipped(one)
    judge = LipschitzJudge(TASK)
    told = judge.reference()
    assert told["kind"] == "exact and lower bound"
    assert told["exact"] == "1 of 2 values"
    assert told["provenance"] == "by hand"
    verdict = judge.score(judge.accept({"upper": 2.0 * one.lower[:, 0]}))
    assert verdict.metrics["exact_ratio"] == pytest.approx(2.0)
    assert verdict.metrics["lower_ratio"] == pytest.approx(2.0)
    assert verdict.certificate["reference_source"] == "shipped"


def test_an_estimate_that_beats_the_reference_is_told(shipped):
    best, points = lower_bounds(TASK, 0)
    centers = TASK.centers.astype(np.float32)[:, None]
    lower = Settling("small[]", TASK, None).entry().lower
    assert (lower < best).any()
    nan = np.full((2, 1), np.nan)
    shipped(Entry(name="small[]", lower=lower, exact=nan, witness=centers, how="the centers"))
    judge = LipschitzJudge(TASK)
    verdict = judge.score(judge.accept({"estimate": best[:, 0], "witness": points[:, 0]}))
    gained = (best - lower).max()
    assert verdict.sound
    assert verdict.certificate["improves_reference"] == pytest.approx(gained)
    region = verdict.certificate["improved_region"]
    assert verdict.certificate["reference"] == pytest.approx(lower[region, 0])
    assert verdict.metrics["gap"] == pytest.approx(0.0, abs=1e-9)
    same = judge.score(judge.accept({"estimate": lower[:, 0], "witness": TASK.centers}))
    assert "improves_reference" not in same.certificate


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"lower": np.full((2, 1), 1e3)}, "region 0, says 1000"),
        ({"exact": np.full((2, 1), 1e3)}, "region 0, says 1000"),
        ({"exact": np.full((2, 1), 1e-3)}, "region 0, says 0.001"),
        ({"lower": np.ones((3, 1))}, "shapes"),
        ({"witness": np.zeros((2, 1, 3), np.float32)}, "shapes"),
        ({"witness": np.full((2, 1, 4), np.nan, np.float32)}, "not finite"),
        ({"lower": np.full((2, 1), -np.inf)}, "not finite"),
    ],
)
def test_an_entry_that_does_not_stand_is_an_error(shipped, changes, complaint):
    shipped(entry(**changes))
    with pytest.raises(TiltyardError, match=complaint):
        LipschitzJudge(TASK).reference()


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "flipped", "missing", "pickle"])
def test_a_damaged_file_is_one_clear_error(shipped, damage):
    path = shipped(entry())
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        at = content.index(b"witness") + 60
        content[at] ^= 0xFF
    written = {"empty": b"", "text": b"references", "cut": bytes(content[:-30])}
    path.write_bytes(written.get(damage, bytes(content)))
    if damage == "missing":
        path.unlink()
    if damage == "pickle":
        np.savez(path, index=np.array({"a": 1}, dtype=object))
    with pytest.raises(TiltyardError, match="references of lipschitz"):
        LipschitzJudge(TASK).reference()


def test_the_hash_tells_problems_apart():
    tasks = [
        TASK,
        problem(chain(4, 6, 3), centers=TASK.centers + 1e-12),
        problem(chain(4, 6, 3), centers=TASK.centers, radius=0.25),
        problem(chain(4, 6, 3), centers=TASK.centers, clip=(-9.0, 9.0)),
        problem(chain(4, 6, 3), "l2", centers=TASK.centers),
        problem(chain(4, 6, 3), "l2", "ball", centers=TASK.centers),
        problem(chain(4, 6, 3, seed=1), centers=TASK.centers),
        problem(chain(4, 6, 3, activation="tanh"), centers=TASK.centers),
        *various().values(),
    ]
    assert len({references.digest(task) for task in tasks}) == len(tasks)
    again = problem(chain(4, 6, 3), centers=TASK.centers, track="global-l2")
    assert references.digest(again) == KEY


def test_settling_proves_what_is_linear_and_what_branches():
    linear_one = Settling("linear[]", problem(linear([[1.0, -2.0]])), None)
    linear_one.prove(1.0)
    assert "norm_product" in linear_one.entry().how
    branching = Settling("small[]", TASK, None)
    branching.prove(5.0)
    one = branching.entry()
    assert not np.isnan(one.exact).any()
    assert branching.violations() == 0
    best, _ = lower_bounds(TASK, 0)
    assert (one.exact >= best * (1.0 - 1e-6)).all()
    again = Settling("small[]", TASK, one)
    assert again.closed().all()


def test_the_referee_keeps_what_it_found(tmp_path, capsys):
    path = tmp_path / "references.npz"
    references.save({}, path)
    (name,) = names(["random-local-linf[inputs=6*tanh*"], ["smoke"])
    command = [name, "--tier", "smoke", "--search", "0.1", "--seconds", "0.1", "--file", str(path)]
    main(command)
    assert "median upper/lower" in capsys.readouterr().out
    (one,) = references.load(path).values()
    assert one.name == name
    main(command)
    assert capsys.readouterr().out == ""


def test_the_suite_s_own_references_stand():
    known = references.load()
    for key, one in list(known.items())[::10]:
        task = registry().build("lipschitz", one.name)
        assert references.digest(task) == key
        found = references.known(task)
        assert found.shipped
        np.testing.assert_allclose(found.lower, one.lower, rtol=1e-6, atol=1e-9)
        assert (np.isnan(one.exact) | (found.lower >= one.exact - 1e-6 * np.abs(one.exact))).all()
