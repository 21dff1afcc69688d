"""Bilevel problems and methods that do not fit, diverge or contradict themselves."""

import json
import os
import subprocess

import pytest

from tests.cli.conftest import TILTYARD

ODD = '''
import itertools

import torch

from tiltyard import implementation, problem
from tiltyard.suites.bilevel.model import Model
from tiltyard.suites.bilevel.problem import BilevelProblem


class Line(Model):
    """F = (x - 1)^2 + y^2 and f = (y - x)^2."""

    def __init__(self, **more):
        super().__init__([3.0], [0.0], **more)

    def upper(self, x, y, rows):
        return ((x - 1.0) ** 2 + y**2).sum()

    def lower(self, x, y, rows):
        return ((y - x) ** 2).sum()


class Empty(Line):
    form = "linear"
    inequalities = 2

    def constraints(self, x, y):
        return torch.cat([y + 1.0 - x, x + 1.0 - y])


class Short(Empty):
    joint = True

    def project_joint(self, x, y):
        return x, y


class Stray(Line):
    affine = True

    def project_x(self, x):
        return x + 1.0


@problem(suite="bilevel", track="deterministic")
def line(rng):
    """A lower level of one variable."""
    return BilevelProblem(model=Line(), track="deterministic")


@problem(suite="bilevel", track="constrained")
def empty(rng):
    """y <= x - 1 and y >= x + 1."""
    return BilevelProblem(model=Empty(), track="constrained")


@problem(suite="bilevel", track="constrained")
def short(rng):
    """A projection that leaves its set."""
    return BilevelProblem(model=Short(), track="constrained")


@problem(suite="bilevel", track="deterministic")
def stray(rng):
    """A projection that moves what it gave."""
    return BilevelProblem(model=Stray(), track="deterministic")


@implementation(suite="bilevel", cites="unpublished")
def leaps(problem, rng, *, step: float = 1e200):
    """Steps far too long."""
    x, y = problem.start()
    while True:
        yield {"x": x, "y": y}
        y = y - step * problem.lower_gradient_y(x, y)
        x = problem.project_x(x - step * problem.upper_gradients(x, y)[0])


@implementation(suite="bilevel", cites="unpublished")
def blank(problem, rng, *, size: int = 0, sampler: bool = True):
    """A minibatch of no samples."""
    x, y = problem.start()
    yield {"x": x, "y": y}
    rows = torch.zeros(0, dtype=torch.int64)
    if sampler:
        rows = next(problem.batches("lower", size, rng))
    problem.lower_gradient_y(x, y, rows)
    yield {"x": x, "y": y}
'''


SEEN = ("line", "empty", "quad[samples=1]", "llc[n=100]")
METHODS = (
    "grid",
    "random_search",
    "optuna_tpe",
    "kkt_slsqp",
    "soba[step=1e6]",
    "soba[batch_size=0]",
    "leaps",
    "blank",
    "blank[sampler=False]",
)
REFUSED = {
    "short": "project_joint leaves a violation of ",
    "stray": "project_x moves a point that it gave by 1.0e+00: no projection",
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return the process that ran all methods on all problems, and rows by both names."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "mine").mkdir()
    (folder / "mine" / "odd.py").write_text(ODD)
    chosen = [word for name in METHODS for word in ("-i", name)]
    chosen += [word for name in (*SEEN, *REFUSED) for word in ("-p", name)]

    def tiltyard(*arguments):
        return subprocess.run(
            [*TILTYARD, *arguments],
            cwd=folder,
            env={**os.environ, "TILTYARD_PLUGINS": str(folder / "mine")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    done = tiltyard("run", "bilevel", *chosen, "--seconds", "0.1")
    tiltyard("export", "all.jsonl")
    rows = map(json.loads, (folder / "all.jsonl").read_text().splitlines())
    keyed = {(row["problem"].partition(",")[0], _label(row)): row for row in rows}
    return done, keyed


def _label(row):
    name, parameters = row["implementation"], row["parameters"]
    if name == "soba":
        return "soba[step=1e6]" if parameters["step"] == 1e6 else "soba[batch_size=0]"
    return name if parameters.get("sampler", True) else "blank[sampler=False]"


@pytest.mark.parametrize(
    ("problem", "method", "reason"),
    [
        ("quad[dim_x=10", "grid", "needs dim_x = 1 or 2; this problem has 10"),
        ("llc[n=100]", "soba[step=1e6]", "needs constraints = none; this problem has linear"),
        ("llc[n=100]", "optuna_tpe", "needs dim_x <= 50; this problem has 100"),
        (
            "llc[n=100]",
            "kkt_slsqp",
            "needs dim_x + dim_y + constraints <= 200; this problem has 301",
        ),
    ],
)
def test_what_does_not_fit_is_unsupported_and_the_reason_names_the_trait(
    runs, problem, method, reason
):
    row = runs[1][problem, method]
    assert (row["status"], row["reason"]) == ("unsupported", reason)


@pytest.mark.parametrize("method", ["leaps", "soba[step=1e6]"])
def test_steps_that_are_not_finite_are_divergence(runs, method):
    assert runs[1]["line", method]["status"] == "diverged"


@pytest.mark.parametrize("method", ["random_search", "grid", "kkt_slsqp"])
def test_an_infeasible_lower_level_is_told_by_the_judge(runs, method):
    row = runs[1]["empty", method]
    assert row["status"] == "stopped"
    assert row["certificate"]["lower_level"] == "infeasible"
    assert row["metrics"]["gap"] == 1e30


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_projection_is_refused_in_one_line(runs, name):
    done, rows = runs
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if REFUSED[name] in line]
    assert name in line
    assert "Traceback" not in done.stderr
    assert not [key for key in rows if key[0] == name]


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("blank", "ValueError: an empty minibatch: size 0"),
        ("soba[batch_size=0]", "ValueError: an empty minibatch: size 0"),
        ("blank[sampler=False]", "ValueError: an empty minibatch: no rows"),
    ],
)
def test_an_empty_minibatch_is_a_clear_error(runs, method, reason):
    row = runs[1]["line", method]
    assert (row["status"], row["reason"]) == ("crashed", reason)
