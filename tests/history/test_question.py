"""What a bisection asks, and how it reads what a commit's code left."""

import math
import types

import pytest

from tests.history.conftest import PROBLEM, smoke
from tests.report.toy_store import toy_registry
from tiltyard.errors import TiltyardError
from tiltyard.history.bisect import CannotRun
from tiltyard.history.frame import read_history
from tiltyard.history.question import ask
from tiltyard.run.record import Status
from tiltyard.suite import Budget

SECONDS = "toy.track_seconds_to_1e_2"


def question(*names, benchmark=SECONDS, seeds=2, **options):
    problem, implementation = names or (PROBLEM, "halve")
    return ask(toy_registry(), benchmark, problem, implementation, seeds=seeds, **options)


def left_by(scratch, folder, records, *, code=0, complaints="", damage=False):
    """Return the measurement of a commit whose code leaves these records."""

    def call(commit, arguments):
        path = type(folder)(arguments[arguments.index("--store") + 1])
        if records:
            scratch.store(path, records)
        if damage:
            path.write_bytes(b"no store at all")
        return code, complaints

    return question().measure_in(types.SimpleNamespace(folder=folder, call=call))("c")


def test_samples_by_seed(scratch, tmp_path):
    found = left_by(scratch, tmp_path, list(reversed(smoke(seeds=2))))
    assert found.samples == (3e-3, 6e-3)
    assert found.fault == ""


def test_a_missed_target_is_no_value_and_no_fault(scratch, tmp_path):
    found = left_by(scratch, tmp_path, smoke(seeds=2, gaps=(0.5,)), code=1)
    assert (found.samples, found.fault) == ((math.inf, math.inf), "")


def test_a_crash_is_no_value_and_says_why(scratch, tmp_path):
    records = smoke(seeds=1) + smoke(seeds=2, gaps=(), status=Status.CRASHED, reason="as asked")[1:]
    found = left_by(scratch, tmp_path, records, code=1)
    assert (found.samples, found.fault) == ((3e-3, math.inf), "crashed: as asked")


@pytest.mark.parametrize(
    ("records", "others", "message"),
    [
        ([], {"code": 2, "complaints": "a\ntiltyard: unknown problem 'x'\n"}, "^unknown problem"),
        ([], {"code": -9}, "^exit code -9$"),
        (smoke(seeds=1), {"code": 1, "complaints": "could not be set up"}, "could not be set up"),
        (smoke(seeds=2, status=Status.UNSUPPORTED, reason="no GPU"), {}, "^unsupported: no GPU"),
        (smoke(seeds=2, version=7), {}, "suite toy has version 7 there and 1 here"),
        ([], {"damage": True}, "^its records cannot be read here: .*not a database"),
    ],
)
def test_what_cannot_be_run_says_why(scratch, tmp_path, records, others, message):
    with pytest.raises(CannotRun, match=message):
        left_by(scratch, tmp_path, records, **others)


def test_the_command_line_of_the_runs(tmp_path):
    asked = question("line[x0=1]", "halve[factor=0.25]", device="cuda", threads=2, tier="1.5s")
    arguments = asked.arguments(tmp_path / "a.db")
    assert arguments[:2] == ["run", "toy"]
    assert dict(zip(arguments[2::2], arguments[3::2], strict=True)) == {
        "--problem": PROBLEM,
        "--implementation": "halve[factor=0.25]",
        "--seconds": "1.5",
        "--seeds": "2",
        "--device": "cuda",
        "--threads": "2",
        "--store": str(tmp_path / "a.db"),
    }


def test_without_a_history_the_problem_s_first_tier_counts():
    assert (question().tier, question().seconds) == ("smoke", 0.05)
    standard = question("line[x0=3.0]", "halve")
    assert (standard.tier, standard.seconds) == ("standard", 0.2)
    assert question("line[x0=77.0]", "halve").tier == "smoke"
    assert question("line[x0=1*", "halv?").problem == PROBLEM
    assert question("line[x0=1*", "halv?").implementation == "halve"


@pytest.fixture
def history(scratch, tmp_path):
    """Return a history of the smoke tier and of budgets of two seconds."""
    long = smoke(problem="line[x0=2.0,instance=0]", budget=Budget(seconds=2))
    quarter = smoke(parameters={"factor": 0.25}, budget=Budget(seconds=2))
    scratch.add(scratch.store(tmp_path / "a.db", [*smoke(), *long, *quarter]))
    return read_history(scratch.project)


def test_conditions_are_those_of_the_history(history):
    assert question(history=history).tier == "smoke"
    asked = question("line[x0=2]", "halve", history=history)
    assert (asked.tier, asked.seconds) == ("2s", 2.0)
    # The same parameter, spelled in another way.
    assert question(PROBLEM, "halve[factor=2.5e-1]", history=history).tier == "2s"
    assert question("line[x0=2]", "halve", history=history, tier="smoke").tier == "smoke"
    assert question("line[x0=4]", "halve", history=history).tier == "smoke"  # of which it has none
    assert question("line*", "halve", history=history, tier="smoke").problem == PROBLEM


def test_names_that_mean_several_series_are_refused(scratch, tmp_path, history):
    with pytest.raises(TiltyardError, match=r"means 4 series \(line.*name one problem"):
        question("line*", "halve")
    scratch.add(scratch.store(tmp_path / "b.db", smoke(budget=Budget(seconds=2))))
    both = read_history(scratch.project)
    with pytest.raises(TiltyardError, match=r"means 2 series .*cpu, 1, 2s; .*cpu, 1, smoke"):
        question(history=both)
    assert question(history=both, tier="2s").seconds == 2.0


def test_the_newest_good_commit_of_each_machine(scratch, tmp_path):
    """A slow machine's good value is no bad one: machines are not compared."""
    commits = [scratch.commit(str(index)) for index in range(4)]
    for machine, factors in {"slow": (1, 1, None, 2.5), "fast": (0.1, None, 0.1, 0.3)}.items():
        for commit, factor in zip(commits, factors, strict=True):
            if factor is not None:
                path = tmp_path / f"{machine}-{commit}.db"
                scratch.store(path, smoke(factor=factor), commit=commit)
                scratch.add(path, commit=commit, name=machine)
    history = read_history(scratch.project)
    asked = question(history=history)
    assert asked.stored(history, commits) == commits[2]
    assert asked.stored(history, commits[:2]) is None
    missed = tmp_path / "missed.db"  # the last commit has no value: that is bad, too
    scratch.store(missed, smoke(gaps=(0.5,)), commit=commits[3])
    scratch.add(missed, commit=commits[3], name="fast")
    assert asked.stored(read_history(scratch.project), commits) == commits[2]
    other = tmp_path / "other.db"  # of the last commit only another method is known
    scratch.store(other, smoke("noisy"), commit=commits[3])
    scratch.add(other, commit=commits[3], name="third")
    later = read_history(scratch.project)
    assert asked.stored(later[later["machine"] == "third"], commits) is None
    slow = history[history["machine"] == "slow"]
    assert asked.stored(slow, commits) == commits[1]
