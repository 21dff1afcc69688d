"""Infeasible, unbounded and degenerate constrained problems, and sizes that do not exist."""

import json

ODD = '''
import numpy as np
from tiltyard import problem
from tiltyard.suites.constrained.builder import Builder

@problem(suite="constrained", track="general")
def contradiction(rng):
    """No point is feasible."""
    b = Builder([1.0, 1.0], lower=-10.0)
    b.minimise(b.x[0] ** 2 + b.x[1])
    b.subject_to(b.x[0] ** 2 + b.x[1] ** 2, equal=-1.0)
    return b.problem()

@problem(suite="constrained", track="general")
def endless(rng):
    """Unbounded below."""
    b = Builder([1.0, 1.0])
    b.minimise(-b.x[0] - b.x[1])
    b.subject_to(b.x[0] - b.x[1], lower=-1.0, upper=1.0)
    return b.problem()

@problem(suite="constrained", track="equality")
def twice(rng):
    """One equation twice: a singular Jacobian."""
    b = Builder([2.0, 1.0])
    b.minimise(b.x[0] ** 2 + b.x[1] ** 2)
    b.subject_to(b.x[0] + b.x[1], equal=2.0)
    b.subject_to(b.x[0] + b.x[1], equal=2.0)
    return b.problem()
'''


def test_odd_problems_end_with_what_was_found(tiltyard, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "odd.py").write_text(ODD)
    monkeypatch.setenv("TILTYARD_PLUGINS", str(tmp_path / "mine"))
    methods = ("primal_dual_interior_point", "adasketch_newton_direct")
    names = ("contradiction", "endless", "twice")
    chosen = [word for name in methods for word in ("-i", name)]
    chosen += [word for name in names for word in ("-p", name)]
    done = tiltyard("run", "constrained", *chosen, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    tiltyard("export", "all.jsonl", cwd=tmp_path)
    lines = (tmp_path / "all.jsonl").read_text().splitlines()
    told = {(row["problem"], row["implementation"]): row for row in map(json.loads, lines)}
    reasons = {key: (row["status"], row["reason"]) for key, row in told.items()}
    interior, sketch = methods
    assert reasons["contradiction", interior][0] == "stopped"
    assert "claiming infeasible" in reasons["contradiction", interior][1]
    assert "claiming unbounded" in reasons["endless", interior][1]
    assert reasons["twice", interior][0] == "solved"
    assert reasons["twice", sketch][0] == "stopped"
    assert reasons["twice", sketch][1].startswith("singular: smallest eigenvalue of J J'")
    assert reasons["endless", sketch][0] == "unsupported"


def test_a_size_that_a_family_lacks_is_told_once(tiltyard, tmp_path):
    methods = ("-i", "slsqp", "-i", "ipopt")
    done = tiltyard("run", "constrained", "-p", "dtoc4[n=100]", *methods, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("n must be 3N - 1") == 1
    assert "nearest: 101" in done.stderr
