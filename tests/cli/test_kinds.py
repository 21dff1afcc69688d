"""A suite with kinds has a leaderboard for each, and does not compare across them."""

import json

import pytest


@pytest.fixture
def made(tiltyard):
    """Make the smoke runs of the suite."""
    done = tiltyard("run", "depth")
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_kind_has_its_own_ranks(tiltyard, made):
    done = tiltyard("leaderboard", "depth")
    assert done.returncode == 0, done.stderr
    titles = [line for line in done.stdout.splitlines() if line.startswith("Depth")]
    assert [title.split(", ")[1] for title in titles] == ["kind bound", "kind guess"]
    rows = json.loads(tiltyard("leaderboard", "depth", "--json").stdout)
    assert [(row["kind"], row["implementation"], row["rank"]) for row in rows] == [
        ("bound", "plumb", 1),
        ("bound", "chain", 2),
        ("guess", "squint", 1),
    ]
    chosen = json.loads(tiltyard("leaderboard", "depth", "--kind", "guess", "--json").stdout)
    assert [row["implementation"] for row in chosen] == ["squint"]


def test_a_readme_shows_the_main_kind(tiltyard, made):
    done = tiltyard("leaderboard", "depth", "--markdown")
    assert done.stdout.startswith("<!-- tiltyard:depth:bound:smoke -->")
    assert "squint" not in done.stdout
    done = tiltyard("leaderboard", "depth", "--markdown", "--kind", "guess")
    assert done.stdout.startswith("<!-- tiltyard:depth:guess:smoke -->")


def test_comparing_stays_within_a_kind(tiltyard, made):
    done = tiltyard("compare", "plumb", "squint")
    assert done.returncode == 2
    assert done.stderr == (
        "tiltyard: implementations of different kinds do not compare: "
        "plumb is of kind bound and squint is of kind guess\n"
    )
    again = tiltyard("compare", "squint", "plumb[start=3.0]", "--suite", "depth")
    assert (again.returncode, "different kinds" in again.stderr) == (2, True)
    same = tiltyard("compare", "plumb", "chain", "--json")
    assert json.loads(same.stdout)["kind"] == "bound"


def test_runs_of_one_kind_can_be_selected(tiltyard):
    done = tiltyard("run", "--kind", "guess", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "squint on lake" in done.stdout
    assert done.stdout.count(" on ") == 1
    other = tiltyard("run", "depth", "--kind", "guess", "-i", "plumb", "--dry-run")
    assert (other.returncode, other.stderr) == (
        2,
        "tiltyard: plumb is of kind bound, not of guess\n",
    )


@pytest.mark.parametrize(
    "words",
    [
        ("leaderboard", "depth", "--kind", "gues"),
        ("leaderboard", "toy", "--kind", "guess"),
        ("run", "--kind", "gues", "--dry-run"),
        ("run", "depth", "toy", "--kind", "guess", "--dry-run"),
        ("run", "--track", "soft", "--kind", "guess", "--dry-run"),
    ],
)
def test_an_unknown_kind_is_a_mistake(tiltyard, made, words):
    done = tiltyard(*words)
    assert done.returncode == 2
    assert "unknown kind" in done.stderr


def test_a_kind_without_runs_says_what_makes_some(tiltyard):
    tiltyard("run", "depth", "--kind", "bound")
    done = tiltyard("leaderboard", "depth", "--kind", "guess")
    assert done.returncode == 2
    assert "'tiltyard run depth --kind guess' makes some" in done.stderr


def test_lists_tell_kinds_where_there_are_any(tiltyard):
    rows = json.loads(tiltyard("list", "implementations", "--suite", "depth", "--json").stdout)
    assert {row["name"]: row["kind"] for row in rows} == {
        "chain": "bound",
        "plumb": "bound",
        "squint": "guess",
    }
    others = json.loads(tiltyard("list", "implementations", "--suite", "toy", "--json").stdout)
    assert all("kind" not in row for row in others)
    assert "guess" in tiltyard("show", "squint").stdout
    assert "bound, guess" in tiltyard("show", "depth").stdout


def test_a_method_that_answers_in_another_kind_is_told(tiltyard):
    done = tiltyard("run", "depth", "-i", "squint[says=bound]")
    assert done.returncode == 1
    row = json.loads(tiltyard("leaderboard", "depth", "--json").stdout)[0]
    reason = "gave an answer of kind bound; the implementation's kind: guess"
    assert (row["kind"], row["reasons"]) == ("guess", {f"invalid_answer: {reason}": 1})
