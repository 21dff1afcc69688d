"""Records to asv's results and back into pandas: what goes in comes out."""

import json
import statistics

import numpy as np
import pytest
from asv.results import iter_results

from tests.history.conftest import PROBLEM, smoke, toy_registry
from tiltyard.errors import TiltyardError
from tiltyard.history.frame import COLUMNS, read_history
from tiltyard.history.results import Entry, Sheet, write
from tiltyard.run.record import Status
from tiltyard.suite import Budget
from tiltyard.tuning import draw


def value_of(frame, benchmark, implementation="halve", **others):
    chosen = (frame["benchmark"] == benchmark) & (frame["implementation"] == implementation)
    for column, value in others.items():
        chosen &= frame[column] == value
    (found,) = frame[chosen].to_dict("records")
    return found


def test_records_to_asv_to_pandas_is_equal(scratch, tmp_path):
    records = smoke() + smoke("noisy", factor=3, gaps=(0.5, 0.05))
    added = scratch.add(scratch.store(tmp_path / "s.db", records))
    assert added.count == 12
    assert added.commit == scratch.git("rev-parse", "HEAD")
    frame = read_history(scratch.project)
    assert tuple(frame.columns) == COLUMNS
    assert set(frame["commit"]) == {added.commit}
    assert set(frame["tier"]) == {"smoke"}
    assert set(frame["version"]) == {"1"}
    found = value_of(frame, "toy.track_seconds_to_1e_1")
    seconds = [2e-3 * (seed + 1) for seed in range(6)]
    assert found["samples"] == seconds
    assert found["value"] == statistics.median(seconds)
    assert found["low"] < found["value"] < found["high"]
    assert (found["kind"], found["unit"]) == ("time", "seconds")
    assert value_of(frame, "toy.track_log10_gap")["value"] == 0
    assert value_of(frame, "toy.track_log10_gap", "noisy")["value"] == pytest.approx(np.log10(5))
    assert value_of(frame, "toy.track_peak_memory")["samples"] == [1000 + s for s in range(6)]
    missed = value_of(frame, "toy.track_missed_1e_2", "noisy")
    assert (missed["value"], missed["samples"]) == (1, [1.0] * 6)
    unreached = value_of(frame, "toy.track_seconds_to_1e_2", "noisy")
    assert np.isnan(unreached["value"])
    assert unreached["samples"] is None


def test_one_seed_that_misses_makes_the_time_null_and_the_share_tells(scratch, tmp_path):
    records = smoke(seeds=5) + smoke(gaps=(0.5, 0.3))[5:]
    scratch.add(scratch.store(tmp_path / "s.db", records))
    frame = read_history(scratch.project)
    assert np.isnan(value_of(frame, "toy.track_seconds_to_1e_1")["value"])
    assert value_of(frame, "toy.track_missed_1e_1")["samples"] == [0.0] * 5 + [1.0]


def test_nothing_stored_is_infinite_whatever_happened(scratch, tmp_path):
    records = [
        *smoke(seeds=1, gaps=(float("inf"),)),
        *smoke("noisy", gaps=(), status=Status.CRASHED),
        *smoke("positive_only", gaps=(), status=Status.UNSUPPORTED),
    ]
    scratch.add(scratch.store(tmp_path / "s.db", records))
    text = "".join(path.read_text() for path in scratch.project.results.rglob("*.json"))
    assert "Infinity" not in text
    assert "NaN" not in text
    frame = read_history(scratch.project)
    assert set(frame["implementation"]) == {"halve", "noisy"}
    assert value_of(frame, "toy.track_failed", "noisy")["value"] == 1


def test_a_second_addition_merges(scratch, tmp_path):
    path = scratch.store(tmp_path / "s.db", smoke())
    scratch.add(path)
    first = read_history(scratch.project)
    scratch.store(path, smoke("noisy"))
    scratch.add(path)
    other = scratch.store(tmp_path / "other.db", smoke("called_back", problem=PROBLEM))
    scratch.add(other)
    frame = read_history(scratch.project)
    assert set(frame["implementation"]) == {"halve", "noisy", "called_back"}
    kept = frame[frame["implementation"] == "halve"].reset_index(drop=True)
    assert kept.drop(columns="samples").equals(first.drop(columns="samples"))
    assert kept["samples"].tolist() == first["samples"].tolist()


def test_the_same_addition_twice_changes_no_value(scratch, tmp_path):
    path = scratch.store(tmp_path / "s.db", smoke())
    scratch.add(path)
    first = read_history(scratch.project)
    scratch.add(path)
    again = read_history(scratch.project)
    assert again.equals(first) or again.to_dict("records") == first.to_dict("records")


def test_what_another_tool_wrote_stays(scratch, tmp_path):
    """Asv's own benchmarks of the same environment live in the same file."""
    project = scratch.project
    path = scratch.store(tmp_path / "s.db", smoke())
    scratch.add(path)
    entry = Entry(
        name="mine.track_x",
        title="",
        unit="u",
        kind="linear",
        version="9",
        parameters=(),
        samples={(): [1.0]},
    )
    conditions = {"device": "cpu", "threads": "1", "tier": "smoke"}
    machine = json.loads(next(project.results.glob("*/machine.json")).read_text())
    machine.pop("version")
    commit = project.repository.resolve("HEAD")
    (file,) = write(project, commit, machine, [Sheet(conditions, [entry])])
    scratch.add(path)
    results = json.loads(file.read_text())["results"]
    assert "mine.track_x" in results
    assert "toy.track_log10_gap" in results
    frame = read_history(project)
    assert value_of(frame, "mine.track_x", "")["value"] == 1


def test_budgets_devices_and_threads_never_share_a_graph(scratch, tmp_path):
    records = smoke(seeds=1) + smoke(seeds=1, budget=Budget(seconds=1.5))
    added = scratch.add(scratch.store(tmp_path / "s.db", records))
    assert len(added.files) == 2
    assert set(read_history(scratch.project)["tier"]) == {"smoke", "1.5s"}


def test_parameters_that_differ_from_the_defaults_are_a_series_of_their_own(scratch, tmp_path):
    records = smoke(parameters={"factor": 0.5}) + smoke(parameters={"factor": 0.9})
    scratch.add(scratch.store(tmp_path / "s.db", records))
    assert set(read_history(scratch.project)["implementation"]) == {"halve", "halve[factor=0.9]"}


def test_runs_of_drawn_configurations_belong_to_tuned_boards(scratch, tmp_path):
    drawn = draw(toy_registry().implementation("toy", "halve"), 0)
    records = smoke(parameters={"factor": 0.5}) + smoke(parameters=drawn)
    added = scratch.add(scratch.store(tmp_path / "s.db", records))
    assert added.count == 6
    assert set(read_history(scratch.project)["implementation"]) == {"halve"}


def test_runs_without_a_budget_in_seconds_belong_to_sweeps(scratch, tmp_path):
    path = scratch.store(tmp_path / "s.db", smoke(budget=Budget(iterations=3)))
    with pytest.raises(TiltyardError, match="holds no timed runs of commit"):
        scratch.add(path)


def test_asv_reads_the_files_itself(scratch, tmp_path):
    scratch.add(scratch.store(tmp_path / "s.db", smoke()))
    project = scratch.project
    (results,) = iter_results(str(project.results))
    assert results.commit_hash == project.repository.resolve("HEAD")
    assert results.date == project.repository.date("HEAD")
    assert (
        results.env_name
        == "tiltyard-py" + results.params["python"] + "-devicecpu-threads1-tiersmoke"
    )


def test_a_restart_with_another_kernel_splits_no_graph(scratch, tmp_path):
    path = scratch.store(tmp_path / "s.db", smoke())
    scratch.add(path, name="m")
    file = scratch.project.results / "m" / "machine.json"
    about = json.loads(file.read_text()) | {"os": "Linux 6.1.0-13", "ram": "24642316"}
    file.write_text(json.dumps(about))
    scratch.commit()
    scratch.store(path, smoke())
    added = scratch.add(path, name="m")
    params = json.loads(added.files[0].read_text())["params"]
    assert (params["os"], params["ram"]) == ("Linux 6.1.0-13", "24642316")
    assert json.loads(file.read_text()) == about
