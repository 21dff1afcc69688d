"""Native solvers in the harness's worker processes: what they print, and their end by force."""

from pathlib import Path

import pytest

from tiltyard.run.pool import Finished, Pool
from tiltyard.run.record import Status
from tiltyard.run.spec import Limits, RunSpec
from tiltyard.suite import Budget

ROOT = Path(__file__).parents[3]

PLUGIN = f'''
import os, sys
sys.path.insert(0, {str(ROOT)!r})
import numpy as np
from tests.suites.constrained.models import HS71
from tiltyard import implementation, problem
from tiltyard.suites.constrained.problem import ConstrainedProblem

@problem(suite="constrained")
def toy(rng):
    """Hock and Schittkowski 71, by hand."""
    return ConstrainedProblem(HS71())

@implementation(suite="constrained", cites="nothing")
def loud(problem, rng):
    """Let Ipopt print all it has to say, on the file descriptor and past Python."""
    from tiltyard.implementations.constrained import _ipopt, ipopt
    ipopt.options = lambda *_: {{"print_level": 12}}
    os.write(1, b"noise" * 10**5)
    yield from ipopt.ipopt.function(problem, rng)

@implementation(suite="constrained", cites="nothing")
def runaway(problem, rng):
    """Let NLopt loop on NaN in its own code, where no callback is called and no signal seen."""
    import nlopt
    solver = nlopt.opt(nlopt.LD_SLSQP, problem.n)
    solver.set_min_objective(lambda x, gradient: float(x @ x))

    def equations(values, x, gradient):
        values[:] = np.nan
        gradient[:] = np.nan

    solver.add_equality_mconstraint(equations, np.zeros(2))
    yield problem.x0
    solver.optimize(problem.x0)
'''


@pytest.fixture
def records(tmp_path, monkeypatch):
    """Return a function that makes runs of the plug-in's methods in one worker process."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "native.py").write_text(PLUGIN)
    monkeypatch.setenv("TILTYARD_PLUGINS", str(tmp_path / "plugins"))

    def make(*names):
        specs = [
            RunSpec(
                suite="constrained",
                suite_version=1,
                problem="toy[]",
                implementation=name,
                source=name,
                parameters={},
                seed=0,
                device="cpu",
                budget=Budget(seconds=60),
                threads=1,
            )
            for name in names
        ]
        with Pool(limits=Limits(wall_seconds=3, memory_bytes=2**33)) as pool:
            return [event.record for event in pool.run(specs) if isinstance(event, Finished)]

    return make


def test_printing_does_no_harm(records, capfd):
    pytest.importorskip("ipyopt")
    (record,) = records("loud")
    assert record.status == Status.SOLVED, record.reason
    assert record.metrics["objective"] == pytest.approx(17.0140173, abs=1e-6)
    assert capfd.readouterr() == ("", "")


def test_runaway_solver_is_killed_and_the_next_run_is_unharmed(records):
    pytest.importorskip("nlopt")
    pytest.importorskip("ipyopt")
    killed, after = records("runaway", "loud")
    assert killed.status == Status.TIMEOUT
    assert killed.reason == "wall limit of 3 s exceeded"
    assert after.status == Status.SOLVED
