"""A suite with tracks has a leaderboard for each."""

import json

import pytest

ARGUMENTS = ("-p", "hs6", "-p", "hs7", "-p", "hs71", "-p", "hs35", "--seconds", "0.5")
METHODS = ("-i", "slsqp", "-i", "trust_constr", "-i", "adasketch_newton_direct")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    import subprocess
    import sys

    path = tmp_path_factory.mktemp("tracks") / "runs.db"
    start = (sys.executable, "-c", "from tiltyard.cli import main; main()", "run", "constrained")
    subprocess.run([*start, *ARGUMENTS, *METHODS, "--store", str(path)], check=True, timeout=120)
    return str(path)


def test_each_track_has_its_own_problems_and_ranks(tiltyard, store):
    done = tiltyard("leaderboard", "constrained", "--store", store)
    assert done.returncode == 0, done.stderr
    titles = [line for line in done.stdout.splitlines() if line.startswith("Constrained")]
    assert [title.split(", ")[1] for title in titles] == ["track equality", "track general"]
    rows = json.loads(tiltyard("leaderboard", "constrained", "--json", "--store", store).stdout)
    found = {(row["track"], row["implementation"]): row["problems"] for row in rows}
    assert found == {
        ("equality", "slsqp"): 2,
        ("equality", "trust_constr"): 2,
        ("equality", "adasketch_newton_direct"): 2,
        ("general", "slsqp"): 2,
        ("general", "trust_constr"): 2,
    }


def test_one_track_can_be_chosen(tiltyard, store):
    chosen = ("--track", "general", "--store", store)
    rows = json.loads(tiltyard("leaderboard", "constrained", "--json", *chosen).stdout)
    assert {row["track"] for row in rows} == {"general"}
    done = tiltyard("leaderboard", "constrained", "--markdown", *chosen)
    assert done.stdout.startswith("<!-- tiltyard:constrained:general:smoke -->")


def test_an_unknown_track_is_a_mistake(tiltyard, store):
    for suite, track in (("constrained", "generl"), ("cvar", "general")):
        done = tiltyard("leaderboard", suite, "--track", track, "--store", store)
        assert done.returncode == 2
        assert "unknown track" in done.stderr
    done = tiltyard("run", "--track", "generl", "--dry-run")
    assert done.returncode == 2
    assert "unknown track" in done.stderr


def test_comparing_is_by_track(tiltyard, store):
    both = ("compare", "slsqp", "trust_constr", "--store", store, "--json")
    assert [one["track"] for one in json.loads(tiltyard(*both).stdout)] == ["equality", "general"]
    one = ("compare", "slsqp", "adasketch_newton_direct", "--store", store, "--json")
    assert [pair["track"] for pair in json.loads(tiltyard(*one).stdout)] == ["equality"]
    absent = tiltyard("compare", "slsqp", "sqp", "--store", store)
    assert absent.returncode == 2
    assert "unknown implementation 'sqp'" in absent.stderr


def test_runs_of_one_track_can_be_selected(tiltyard):
    done = tiltyard("run", "constrained", "--track", "equality", "-i", "slsqp", "--dry-run")
    assert done.returncode == 0
    assert "hs6" in done.stdout
    assert "hs71" not in done.stdout
