"""A user's mistake gets one line and exit code 2; nothing is lost."""

import sqlite3

import pytest

SWEEP = ("sweep", "toy", "halve")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rum"], "No such command 'rum'"),
        (["run", "toy", "--speed", "9"], "No such option"),
        (["run", "tyo"], "unknown suite 'tyo'; did you mean toy?"),
        (["run", "toy", "-i", "halv"], "unknown implementation 'halv'; did you mean halve?"),
        (["run", "toy", "-p", "lime"], "unknown problem 'lime'; did you mean line?"),
        (["run", "toy", "--tier", "smok"], "unknown tier 'smok'; did you mean smoke?"),
        (["run", "toy", "--device", "tpu"], "device 'tpu' is none of cpu, cuda, cuda:N, auto"),
        (["run", "toy", "--seconds", "soon"], "--seconds"),
        (["run", "toy", "--jobs", "0"], "jobs"),
        (["list", "suits"], "unknown kind 'suits'; did you mean suites?"),
        (["show", "halvee"], "unknown name 'halvee'; did you mean halve"),
        (["leaderboard", "toy"], "no store at tiltyard.db; 'tiltyard run' makes one"),
        (["replay", "abcdef"], "no store at tiltyard.db"),
        (["report"], "no store at tiltyard.db"),
        (["compare", "halve", "nosy"], "unknown implementation 'nosy'; did you mean noisy?"),
        (["export", "out.xls"], "no store at tiltyard.db"),
        (
            ["sweep", "toy", "halve", "--parameter", "step", "--values", "1,2"],
            "no parameter 'step'",
        ),
        (["sweep", "toy", "halve", "--parameter", "factor", "--values", "1:0:3"], "low:high:count"),
        (["--plugins", "nowhere", "list"], "nowhere does not exist"),
        (["run", "toy", "--store", "no/such/folder/s.db"], "its folder does not exist"),
    ],
)
def test_one_line_and_exit_code_2(tiltyard, arguments, message):
    done = tiltyard(*arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("tiltyard: ")


def test_file_that_is_no_store(tiltyard, tmp_path):
    (tmp_path / "notes.db").write_text("these are my notes, and none of yours " * 10)
    done = tiltyard("run", "toy", "--store", "notes.db")
    assert done.returncode == 2
    assert "file is not a database" in done.stderr
    assert (tmp_path / "notes.db").read_text().startswith("these are my notes")


def test_store_of_a_newer_schema(tiltyard):
    tiltyard("run", "toy", "-i", "halve")
    with sqlite3.connect("tiltyard.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    done = tiltyard("leaderboard", "toy")
    assert done.returncode == 2
    assert "schema 99" in done.stderr


def test_disk_that_fills_up_keeps_the_finished_records(tiltyard, tmp_path):
    """A file-size limit is a full disk that every machine can make."""
    import resource

    assert tiltyard("run", "toy", "-i", "halve").returncode == 0
    limit = (tmp_path / "tiltyard.db").stat().st_size + 20_000
    done = tiltyard(
        "run",
        "toy",
        "-i",
        "noisy",
        "--seeds",
        "200",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 2
    assert done.stderr.startswith("tiltyard: cannot write to store tiltyard.db: ")
    rows = tiltyard("run", "toy", "-i", "halve")
    assert "2 were in tiltyard.db already" in rows.stdout
    assert tiltyard("leaderboard", "toy").returncode == 0


def test_output_that_cannot_be_written(tiltyard):
    tiltyard("run", "toy", "-i", "halve")
    done = tiltyard("export", "no/such/folder/out.csv")
    assert done.returncode == 2
    assert "cannot write no/such/folder/out.csv" in done.stderr


def test_broken_plug_in_takes_nothing_down(tiltyard, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "bad.py").write_text("def broken(:\n")
    done = tiltyard("--plugins", "mine", "list", "broken")
    assert done.returncode == 0
    assert "syntax error in line 1" in done.stdout
