"""Every command once, in the way a user types it."""

import csv
import json
from pathlib import Path

import pytest

GOOD = ("-i", "halve", "-i", "noisy", "-i", "positive_only", "-i", "needy")


@pytest.fixture
def made(tiltyard):
    """Make a small store in the current folder."""
    done = tiltyard("run", "toy", *GOOD)
    assert done.returncode == 0, done.stderr
    return done


def test_run_prints_a_line_for_each_run_and_a_summary(made):
    lines = made.stdout.splitlines()
    assert len(lines) == 9
    assert lines[0].startswith("[1/8] solved halve on line[x0=1.0,instance=0], seed 0  ")
    assert lines[-1] == "8 runs made: 5 solved, 3 unsupported"


def test_run_again_continues(made, tiltyard):
    done = tiltyard("run", "toy", *GOOD)
    assert done.stdout.startswith("[1/3] unsupported")
    assert "5 were in tiltyard.db already" in done.stdout
    done = tiltyard("run", "toy", "-i", "halve", "--again")
    assert "2 runs made: 2 solved" in done.stdout


def test_run_exits_1_when_a_run_failed(tiltyard):
    done = tiltyard("run", "toy", "-i", "misbehave", "-i", "halve")
    assert done.returncode == 1
    assert "(ZeroDivisionError: as asked)" in done.stdout
    assert "2 crashed, 2 solved" in done.stdout


def test_divergence_is_a_result_not_a_failure(tiltyard):
    done = tiltyard("run", "toy", "-i", "misbehave[how=huge]")
    assert (done.returncode, "2 diverged" in done.stdout) == (0, True)


def test_dry_run_makes_nothing(tiltyard, tmp_path):
    done = tiltyard("run", "toy", "--dry-run", *GOOD)
    assert len(done.stdout.splitlines()) == 9
    assert not (tmp_path / "tiltyard.db").exists()


def test_leaderboard_as_table_and_json(made, tiltyard):
    assert "positive_only" in tiltyard("leaderboard", "toy").stdout
    rows = json.loads(tiltyard("leaderboard", "toy", "--tier", "smoke", "--json").stdout)
    assert {row["implementation"] for row in rows} == {"halve", "noisy", "positive_only", "needy"}
    by_name = {row["implementation"]: row for row in rows}
    assert by_name["needy"]["rank"] is None
    assert by_name["halve"]["statuses"] == {"solved": 2}
    assert by_name["halve"]["rank_low"] <= by_name["halve"]["rank"] <= by_name["halve"]["rank_high"]


def test_leaderboard_as_markdown(made, tiltyard):
    done = tiltyard("leaderboard", "toy", "--markdown")
    assert done.stdout.startswith("<!-- tiltyard:toy:smoke -->\n\n**smoke tier: not for")
    assert done.stdout.endswith("\n<!-- /tiltyard -->\n")
    assert tiltyard("leaderboard", "toy", "--markdown", "--tier", "smoke").stdout == done.stdout
    both = tiltyard("leaderboard", "toy", "--markdown", "--json")
    assert (both.returncode, both.stdout) == (2, "")
    assert "choose one" in both.stderr
    none = tiltyard("leaderboard", "toy", "--markdown", "--tier", "standard")
    assert none.returncode == 2
    assert "no runs of suite toy of tier standard" in none.stderr


def test_leaderboard_as_markdown_takes_the_most_demanding_tier(made, tiltyard):
    tiltyard("run", "toy", "-i", "halve", "--tier", "standard")
    done = tiltyard("leaderboard", "toy", "--markdown")
    assert done.stdout.startswith("<!-- tiltyard:toy:standard -->")


def test_report_for_papers(made, tiltyard):
    assert tiltyard("report", "--out", "plain").returncode == 0
    assert tiltyard("report", "--out", "site", "--papers").returncode == 0
    assert not Path("plain", "figures").exists()
    assert Path("plain", "latex", "toy-smoke.tex").is_file()
    assert Path("plain", "badges", "toy-smoke-halve.svg").is_file()
    assert Path("site", "figures", "toy-smoke-gap.pdf").read_bytes().startswith(b"%PDF")
    assert Path("site", "figures", "toy-smoke-profile-average.csv").is_file()


def test_list_implementations_as_json(tiltyard):
    rows = json.loads(tiltyard("list", "implementations", "--suite", "toy", "--json").stdout)
    by_name = {row["name"]: row for row in rows}
    assert by_name["halve"]["suite"] == "toy"
    assert by_name["halve"]["available"] is True
    assert by_name["needy"]["available"] is False
    assert "pip install" in by_name["needy"]["reason"]


@pytest.mark.parametrize("kind", ["suites", "problems", "datasets", "claims", "broken"])
def test_list_everything(tiltyard, kind):
    done = tiltyard("list", kind, "--json")
    assert done.returncode == 0
    assert isinstance(json.loads(done.stdout), list)


@pytest.mark.parametrize("name", ["toy", "halve", "line", "line[x0=3]"])
def test_show(tiltyard, name):
    done = tiltyard("show", name)
    assert done.returncode == 0
    assert name.partition("[")[0] in done.stdout


def test_show_and_replay_a_record(made, tiltyard):
    tiltyard("export", "r.jsonl")
    records = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    noisy = next(record for record in records if record["implementation"] == "noisy")
    shown = tiltyard("show", noisy["id"][:12])
    assert "noisy on line" in shown.stdout
    done = tiltyard("replay", noisy["id"][:12])
    assert done.returncode == 0
    assert "judged answers agree to the last bit" in done.stdout


def test_problem_without_parameters_goes_by_its_bare_name(tiltyard):
    shown = tiltyard("show", "cliff")
    assert shown.returncode == 0, shown.stderr
    assert "surface=hard" in shown.stdout  # the problem was built
    run = tiltyard("run", "ground", "-p", "meadow", "-i", "spade", "-i", "shovel")
    assert run.returncode == 0, run.stdout
    tiltyard("export", "r.jsonl")
    records = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    spade = next(record for record in records if record["implementation"] == "spade")
    assert (spade["problem"], spade["status"]) == ("meadow", "stopped")
    assert spade["reason"] == "blunt: the blade broke (gap 0.031)"
    replayed = tiltyard("replay", spade["id"][:8])
    assert replayed.returncode == 0, replayed.stdout
    listed = tiltyard("list", "problems", "--suite", "ground")
    assert "meadow " in listed.stdout
    assert "meadow[" not in listed.stdout


def test_compare(made, tiltyard):
    done = tiltyard("compare", "halve", "noisy")
    assert "halve wins" in done.stdout
    pairing = json.loads(tiltyard("compare", "halve", "noisy", "--json").stdout)
    assert pairing["wins"] + pairing["losses"] + pairing["ties"] == 2


def test_sweep(tiltyard):
    arguments = ("sweep", "toy", "halve", "--parameter", "factor", "--iterations", "4")
    done = tiltyard(*arguments, "--values", "0.01:1:3", "--json")
    answer = json.loads(done.stdout)
    assert [row["value"] for row in answer["rows"]] == ["0.01", "0.1", "1.0"]
    assert answer["decades"] == {"0.1": 2.0, "0.01": 2.0}
    assert "median gap" in tiltyard(*arguments, "--values", "0.1,0.5").stdout


def test_claims(tiltyard):
    done = tiltyard("claims", "toy")
    assert "reproduced: 8 [8, 8] times" in done.stdout
    assert "claim in-vain is not measured: a problem is missing" in done.stderr
    assert done.returncode == 1
    (finding,) = json.loads(tiltyard("claims", "toy", "--json").stdout)
    assert finding["verdict"] == "reproduced"


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_export(made, tiltyard, suffix):
    done = tiltyard("export", f"out.{suffix}", "--suite", "toy")
    assert done.stdout.strip() == f"8 rows in out.{suffix}"
    if suffix == "csv":
        with Path("out.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert {row["status"] for row in rows} == {"solved", "unsupported"}
        assert all(row["metrics.gap"] for row in rows if row["status"] == "solved")
    if suffix == "parquet":
        import pandas as pd

        assert len(pd.read_parquet("out.parquet")) == 8


def test_export_of_checkpoints(made, tiltyard):
    done = tiltyard("export", "points.csv", "--checkpoints")
    assert int(done.stdout.split()[0]) > 8


def test_doctor(tiltyard):
    findings = json.loads(tiltyard("doctor", "--json").stdout)
    assert {finding["kind"] for finding in findings} >= {"hardware", "meter", "extra", "plug-ins"}


def test_completion_script(tiltyard):
    done = tiltyard("--show-completion", "bash")
    assert "complete" in done.stdout + done.stderr
