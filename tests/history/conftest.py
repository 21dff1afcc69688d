"""A git repository of its own, with asv's configuration and a store of toy records."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from toy_store import record, toy_registry

from tiltyard.git import Repository
from tiltyard.history.project import open_project
from tiltyard.history.records import add_records
from tiltyard.run.environment import environment, hardware_id
from tiltyard.scaffold import new_history
from tiltyard.store import Store
from tiltyard.suite import Budget

ROOT = Path(__file__).parents[2]

IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@example.org")


class Scratch:
    """A repository in a folder, and what tests do with it."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        (folder / "asv.conf.json").write_text(
            '{"version": 1, "repo": ".", "branches": ["HEAD"], "environment_type": "existing", '
            '"results_dir": ".asv/results", "html_dir": ".asv/html"}'
        )
        (folder / ".gitignore").write_text(".asv/\n")
        self.commit("first")

    def git(self, *arguments):
        done = subprocess.run(
            ["git", "-C", str(self.folder), *IDENTITY, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, message="another"):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    @property
    def project(self):
        return open_project(self.folder)

    def store(self, path, records, *, commit=None, dirty=False, **changes):
        """Write records into a store as this machine made them at a commit."""
        values = {
            **environment(),
            "commit": commit or self.git("rev-parse", "HEAD"),
            "dirty": dirty,
            **changes,
        }
        with Store(path) as store:
            key = f"{values['commit']}-{dirty}-{values['cpu']}"
            store.add_environment(key, hardware_id(values), values)
            for one in records:
                one.environment = key
                assert store.add(one, replace=True)
        return path

    def add(self, path, **options):
        with Store(path, readonly=True) as store:
            return add_records(self.project, toy_registry(), store, **options)


@pytest.fixture
def scratch(tmp_path):
    return Scratch(tmp_path / "scratch")


def ready_for_history(scratch):
    """Put what ``tiltyard new history`` writes in the place of a scratch's own configuration."""
    (scratch.folder / "asv.conf.json").unlink()
    new_history(Repository(scratch.folder))


@pytest.fixture
def accepts(monkeypatch, capsys):
    """Return a function that asserts that a ``tiltyard`` or ``asv`` command line can be parsed."""
    from asv.commands import make_argparser

    from tiltyard.cli import main

    def accept(line):
        program, *arguments = shlex.split(line)
        # Wrong options and commands are found before help is given.
        monkeypatch.setattr(sys, "argv", [program, *arguments, "--help"])
        try:
            if program == "asv":
                make_argparser()[0].parse_args(arguments)
            else:
                main()
        except SystemExit as end:
            assert end.code == 0, f"{line}: {capsys.readouterr().err}"  # noqa: PT017

    return accept


SMOKE = Budget(seconds=0.05)
PROBLEM = "line[x0=1.0,instance=0]"


def smoke(
    method="halve",
    seeds=6,
    *,
    factor=1.0,
    gaps=(0.5, 0.05, 0.005),
    problem=PROBLEM,
    budget=SMOKE,
    **others,
):
    """Return records of a smoke run, one a seed; seed s takes (s + 1) ms a gap, times factor."""
    return [
        record(
            method,
            problem,
            [(factor * 1e-3 * (seed + 1) * (i + 1), gap) for i, gap in enumerate(gaps)],
            seed=seed,
            budget=budget,
            peak_memory_bytes=1000 + seed,
            **others,
        )
        for seed in range(seeds)
    ]
