"""Tuned parameters as a user asks for them."""

import json
import re

CASES = ("-p", "line[x0=1]", "-p", "line[x0=2]", "-p", "line[x0=3]", "-i", "halve", "-i", "noisy")


def test_tune_from_the_plan_to_the_board(tiltyard):
    planned = tiltyard("run", "toy", *CASES, "--tune", "2", "--dry-run")
    labels = [line.split()[2] for line in planned.stdout.splitlines()[:-1]]
    assert labels == ["halve", "halve[factor=0.850451]", "halve[factor=0.833732]", "noisy"] * 3
    made = tiltyard("run", "toy", *CASES, "--tune", "2")
    assert made.returncode == 0, made.stderr
    assert "solved halve[factor=0.833732] on line[x0=2.0,instance=0], seed 0" in made.stdout
    # One more configuration makes three more runs.
    assert "3 runs made" in tiltyard("run", "toy", *CASES, "--tune", "3").stdout
    own = tiltyard("run", "toy", *CASES[:-4], "-i", "halve[factor=0.01]")
    assert own.returncode == 0, own.stderr

    default = tiltyard("leaderboard", "toy")
    assert set(re.findall(r"halve[^ │]*", default.stdout)) == {"halve", "halve[factor=0.01]"}
    assert "9 runs of drawn configurations; see --tuned" in default.stdout
    text = tiltyard("leaderboard", "toy", "--tuned").stdout
    assert "tuned(3), 3 of 3 problems" in text
    assert "Nothing to tune, so at the defaults: noisy." in text
    rows = {
        row["implementation"]: row
        for row in json.loads(tiltyard("leaderboard", "toy", "--tuned", "--json").stdout)
    }
    assert rows.keys() == {"halve", "noisy"}
    assert (rows["halve"]["tuned"], rows["noisy"]["tuned"]) == (3, 0)
    assert sum(rows["halve"]["configurations"].values()) == 3
    assert rows["noisy"]["configurations"] == {}


def test_mistakes_get_one_line(tiltyard):
    assert tiltyard("run", "toy", *CASES[:2], "-i", "halve").returncode == 0
    cases = {
        ("leaderboard", "toy", "--tuned"): "'tiltyard run toy --tune 8' makes some",
        ("leaderboard", "toy", "--tuned", "--markdown"): "do not go together",
        ("run", "toy", "--tune", "0"): "--tune must be positive, got 0",
        ("run", "toy", "--tune", "1001"): "--tune must be at most 1000, got 1001",
    }
    for arguments, message in cases.items():
        done = tiltyard(*arguments)
        assert done.returncode == 2
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert tiltyard("run", "toy", *CASES[:2], "-i", "halve", "--tune", "1").returncode == 0
    done = tiltyard("leaderboard", "toy", "--tuned")
    assert (done.returncode, "There is no tuned leaderboard: 1 problem " in done.stderr) == (
        2,
        True,
    )
