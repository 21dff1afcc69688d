"""The list of answers that are better than their references."""

import json

from tiltyard.run.checkpoint import Checkpoint
from tiltyard.run.record import Record, Status
from tiltyard.store import Store


def test_only_sound_answers_better_than_their_reference_are_listed(tiltyard, tmp_path, spec):
    better = {"reference": 2.5, "improves_reference": 0.5}
    cases = ((0, better, Status.SOLVED), (1, {"reference": 2.5}, Status.SOLVED))
    with Store(tmp_path / "tiltyard.db") as store:
        store.add_environment("env", "hw", {})
        for seed, certificate, status in (*cases, (2, better, Status.UNSOUND)):
            point = Checkpoint(
                iteration=1, seconds=0.1, oracles={}, metrics={"gap": 0.0, "objective": 2.0}
            )
            store.add(
                Record(
                    spec=spec("halve", seed=seed),
                    status=status,
                    checkpoints=[point],
                    certificate=certificate,
                    environment="env",
                    started="2026-01-01T00:00:00+00:00",
                )
            )
    (row,) = json.loads(tiltyard("list", "better-known", "--json").stdout)
    assert row == {
        "problem": spec("halve").problem,
        "implementation": "halve",
        "objective": 2.0,
        "reference": 2.5,
        "better by": 0.5,
        "record": spec("halve").id[:12],
    }
    shown = tiltyard("list", "better-known", "--suite", "toy").stdout
    assert row["record"] in shown


def test_without_any_the_list_says_so(tiltyard, tmp_path):
    with Store(tmp_path / "tiltyard.db"):
        pass
    assert tiltyard("list", "better-known").stdout == "no better-known\n"
    missing = tiltyard("list", "better-known", "--store", "none.db")
    assert missing.returncode == 2
    assert "no store" in missing.stderr
