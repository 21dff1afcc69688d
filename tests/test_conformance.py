"""The checks pass what keeps its contract, and name what does not."""

import dataclasses
from pathlib import Path

import pytest

from tiltyard.conformance import (
    IMPLEMENTATION_CHECKS,
    check_dataset,
    check_family,
    check_implementation,
    check_suite,
    probe,
    trial,
    try_methods,
)
from tiltyard.registry import Registry, discover
from tiltyard.scaffold import new_dataset, new_suite

PLUGINS = Path(__file__).parent / "plugins"

GOOD = ("halve", "noisy", "positive_only", "called_back", "both_devices")

FETCHED_FAMILY = '''
from tiltyard import problem


@problem(suite="toy", datasets=("table",))
def tabled(rng, table, *, n: int = 1):
    """A problem of fetched data."""
    raise AssertionError("it is not to be built")
'''

BAD_METHODS = '''
import os
import time

import numpy as np

from tiltyard import implementation

calls = []


@implementation(suite="quad", tune={"step": (1.0, 2.0, "linear")})
def undescribed(problem, rng, *, step: float = 3.0):
    yield problem.start()


@implementation(suite="quad", cites="x", tune={"step": (1.0, 2.0, "linear")})
def outside_for_a_reason(problem, rng, *, step: float = 0.0):
    """Take the range's middle where step is 0."""
    yield problem.start()


@implementation(suite="quad", cites="x")
def shapeless(problem, rng, *, shape=None):
    """Have a parameter that no record can spell."""
    yield problem.start()


@implementation(suite="quad", cites="x", requires={"d": (77,)})
def picky(problem, rng):
    """Take none of the problems."""
    yield problem.start()


@implementation(suite="quad", cites="x")
def wrong(problem, rng):
    """Give what is no answer."""
    yield "zero"


@implementation(suite="quad", cites="x")
def overcharging(problem, rng):
    """Charge what nobody weighs."""
    problem.count("hessian")
    yield problem.start()


@implementation(suite="quad", cites="x")
def fussy(problem, rng):
    """Fail on a tiny problem."""
    if problem.facts["d"] < 3:
        raise ValueError("too small")
    yield problem.start()


@implementation(suite="quad", cites="x")
def clinging(problem, rng):
    """Refuse to be closed."""
    while True:
        try:
            yield problem.start()
        except GeneratorExit:
            yield problem.start()


@implementation(suite="quad", cites="x")
def unseeded(problem, rng):
    """Draw from the system's entropy."""
    while True:
        yield np.random.default_rng().standard_normal(len(problem.b))


@implementation(suite="quad", cites="x")
def remembering(problem, rng):
    """Count its own runs."""
    calls.append(1)
    yield problem.start() + len(calls)


@implementation(suite="quad", cites="x")
def placed(problem, rng):
    """Depend on the process it is in."""
    yield problem.start() + os.getpid()


@implementation(suite="quad", cites="x")
def meddling(problem, rng):
    """Write to the problem, and leave it writable."""
    problem.H.setflags(write=True)
    problem.H *= 1.0 + 1e-12
    yield problem.start()


@implementation(suite="quad", cites="x")
def dying(problem, rng):
    """Take the process down after an answer."""
    yield problem.start()
    os._exit(3)


@implementation(suite="quad", cites="x")
def dying_later(problem, rng):
    """Take the process down when the probe, whose output is discarded, runs it."""
    yield problem.start()
    if os.readlink("/proc/self/fd/1") == os.devnull:
        os._exit(3)


@implementation(suite="quad", cites="x")
def stalling_later(problem, rng):
    """Sleep when the probe runs it."""
    if os.readlink("/proc/self/fd/1") == os.devnull:
        time.sleep(600)
    yield problem.start()


@implementation(suite="quad", cites="x")
def stalling(problem, rng):
    """Sleep after an answer on real problems."""
    yield problem.start()
    if problem.facts["d"] > 2:
        time.sleep(600)
'''

DESCRIBED = "says what it is and cites its source"
PLAIN = "parameters are plain values"
RANGES = "tuning ranges hold the defaults"
TAKES = "takes a smoke problem"
ENDS = "ends well on every smoke problem"
CHARGES = "charges declared oracles only"
MINIATURE = "answers on a miniature"
CLOSES = "can be closed early"
BUDGET = "keeps a budget of iterations"
SURVIVES = "survives being run again"
REPEATS = "same seed, same answers"
ELSEWHERE = "same answers in another process"
LEAVES = "leaves the problem as it was"

FAILED_BY = {
    "undescribed": {DESCRIBED, RANGES},
    "outside_for_a_reason": set(),
    "shapeless": {PLAIN},
    "picky": {TAKES},
    "wrong": {ENDS},
    "overcharging": {CHARGES},
    "fussy": {MINIATURE},
    "clinging": {CLOSES},
    "unseeded": {REPEATS, ELSEWHERE},
    "remembering": {REPEATS, ELSEWHERE},
    "placed": {ELSEWHERE},
    "meddling": {LEAVES},
    "dying": {ENDS},
    "dying_later": {SURVIVES},
    "stalling": {ENDS},
    "stalling_later": {SURVIVES},
    "gradient_descent": set(),
}

BAD_SUITES = [
    ('title="Quad"', 'title=" "', "says what it is"),
    ('better="lower"', 'better="higher"', "metrics are unique, the gap is one, lower is better"),
    ('gap="gap"', 'gap="gop"', "metrics are unique, the gap is one, lower is better"),
    ("(1e-1, 1e-2, 1e-4)", "(1e-1, 1e-1, 1e-4)", "targets are strictly decreasing"),
    ('"full": Tier', '"huge": Tier', "has tiers smoke, standard and full"),
    ("seeds=10", "seeds=0", "has tiers smoke, standard and full"),
    ('"gradient": 1.0', '"gradient": -1.0', "weighs its oracles"),
    ("array.setflags(write=False)", "pass", "its problem families conform"),
    ("self.H = H", "self.H, self.solution = H, 1", "its problem families conform"),
    ('{"d": len(b)}', '{"d": len(b), "b": b}', "its problem families conform"),
    ("return _draw(rng,", "return _draw(np.random.default_rng(),", "its problem families conform"),
    ('{"d": 5}, {"d": 10}', '{"d": 5}, {"d": 5}', "its problem families conform"),
    (
        '"""Eigenvalues spread evenly on the log scale, random eigenvectors."""',
        "pass",
        "its problem families conform",
    ),
    ('raise InvalidAnswer(f"expected a', 'raise TypeError(f"expected a', "refuses"),
    ("if not isinstance(answer, np.ndarray) or", "if", "refuses"),
    ("answer.copy()", "answer", "the judge keeps copies"),
    ('{"gap": gap}', '{"gap": gap * np.random.default_rng().random()}', "verdict"),
    ('{"gap": gap}', '{"gap": gap, "extra": 1.0}', "verdict"),
    (
        "        gap = ",
        '        answer["x"] += 0.0 * answer["x"] + 1e-9\n        gap = ',
        "verdict",
    ),
    ('"provenance": "one', '"proof": [1], "provenance": "one', "references are plain values"),
    ("default_rng(0), 2, 10.0", "default_rng(0), 500, 10.0", "miniatures are small and alike"),
    ("miniature=lambda _: _draw", "miniature=lambda _: Problem() or _draw", "miniatures"),
]


def failures(checks):
    return {check.name for check in checks if check.outcome == "failed"}


@pytest.fixture
def use(monkeypatch):
    """Return a function that makes a folder the user's own, for the workers too."""

    def select(folder):
        monkeypatch.setenv("TILTYARD_PLUGINS", str(folder))
        return discover((Path(folder).resolve(),))

    return select


@pytest.fixture(scope="module")
def toy_trials():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TILTYARD_PLUGINS", str(PLUGINS))
        found = discover((PLUGINS,))
        yield found, try_methods(found, found.methods_of("toy"), jobs=2)


@pytest.fixture(scope="module")
def bad_trials(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    new_suite(Registry(), "quad", folder)
    (folder / "methods.py").write_text(BAD_METHODS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TILTYARD_PLUGINS", str(folder))
        patch.setattr(probe, "STEP_SECONDS", 4.0)
        patch.setattr(trial, "WALL_SECONDS", 2.0)
        found = discover((folder.resolve(),))
        yield found, try_methods(found, found.methods_of("quad"), jobs=2)


@pytest.mark.parametrize("name", GOOD)
def test_good_methods_pass_every_check(toy_trials, name):
    found, trials = toy_trials
    checks = check_implementation(found, "toy", name, trial=trials["toy", name])
    assert [check.name for check in checks] == list(IMPLEMENTATION_CHECKS)
    assert [check for check in checks if check.outcome != "ok"] == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("misbehave", "crashed: ZeroDivisionError: as asked"),
        ("silent", "returned without an answer"),
        ("first_nan", "the answer is nan"),
    ],
)
def test_bad_methods_fail_their_runs(toy_trials, name, reason):
    found, trials = toy_trials
    checks = check_implementation(found, "toy", name, trial=trials["toy", name])
    assert ENDS in failures(checks)
    assert reason in next(check.detail for check in checks if check.name == ENDS)


def test_what_a_method_lacks_skips_its_runs(toy_trials):
    found, trials = toy_trials
    checks = check_implementation(found, "toy", "needy", trial=trials["toy", "needy"])
    assert failures(checks) == set()
    skipped = {check.detail for check in checks if check.outcome == "skipped"}
    assert skipped == {"needs no_such_module: pip install 'no-such-package>=1'"}


def test_what_a_family_lacks_skips_its_problems():
    checks = check_family(discover((PLUGINS,)), "toy", "needy-line")
    assert failures(checks) == set()
    skipped = {check.detail for check in checks if check.outcome == "skipped"}
    assert skipped == {"needs no_such_module: pip install 'no-such-package>=1'"}


def test_a_family_is_of_one_of_its_suites_tracks():
    found = discover((PLUGINS,))
    assert failures(check_family(found, "ground", "sample")) == set()
    misplaced = {("ground", "sample"): "sandy", ("ground", "meadow"): "", ("toy", "line"): "soft"}
    for key, track in misplaced.items():
        family = dataclasses.replace(found.families[key], track=track)
        altered = dataclasses.replace(found, families={**found.families, key: family})
        assert failures(check_family(altered, *key)) == {"its track is one of the suite's"}


def test_plugins_of_a_suite_with_kinds_conform():
    found = discover((PLUGINS,))
    trials = try_methods(found, found.methods_of("depth"), jobs=2)
    for key, one in trials.items():
        assert failures(check_implementation(found, *key, trial=one)) == set()
    example = trials["depth", "plumb"]
    assert failures(check_suite(found, "depth", trial=example)) == set()
    suite = dataclasses.replace(found.suite("depth"), kinds=("guess",))
    altered = dataclasses.replace(found, suites={**found.suites, "depth": suite})
    (failed,) = failures(check_suite(altered, "depth", trial=example))
    assert failed == "the judge's verdict is reproducible and complete"


@pytest.mark.parametrize("name", FAILED_BY)
def test_each_misdeed_fails_its_check(bad_trials, name):
    found, trials = bad_trials
    checks = check_implementation(found, "quad", name, trial=trials["quad", name])
    assert failures(checks) == FAILED_BY[name]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (None, ()),
        (lambda problem, attempt: [], ()),
        (lambda problem, attempt: [f"gave {attempt(problem)}"], ("gave plus",)),
        (lambda problem, attempt: [1 / 0], ("ZeroDivisionError: division by zero",)),
    ],
)
def test_a_method_is_tried_by_the_rule_of_its_suite(toy, spec, rule, found):
    def first(problem, rng, *, forever):
        yield problem.facts["sign"]

    problem = toy.build("toy", "line")
    suite = dataclasses.replace(toy.suite("toy"), rule=rule)
    method = dataclasses.replace(toy.implementation("toy", "silent"), function=first)
    assert probe._rule(suite, method, problem, spec("silent")) == found


def test_one_method_is_tried_alone(use):
    found = use(PLUGINS)
    assert failures(check_implementation(found, "toy", "halve")) == set()


def test_the_toy_suite_conforms(use):
    found = use(PLUGINS)
    checks = check_suite(found, "toy")
    assert [check for check in checks if check.outcome != "ok"] == []
    assert failures(check_family(found, "toy", "line")) == set()


@pytest.mark.parametrize(("text", "broken", "check"), BAD_SUITES)
def test_each_flaw_of_a_suite_fails_its_check(use, tmp_path, text, broken, check):
    (path,) = new_suite(Registry(), "quad", tmp_path)
    source = path.read_text()
    assert source.count(text) == 1
    path.write_text(source.replace(text, broken))
    failed = failures(check_suite(use(tmp_path), "quad"))
    assert any(check in name for name in failed)
    assert len(failed) == (2 if "default_rng()," in broken else 1)


def test_a_suite_without_methods_fails_one_check(use, tmp_path):
    (path,) = new_suite(Registry(), "quad", tmp_path)
    path.write_text(path.read_text().partition("@implementation(")[0])
    checks = check_suite(use(tmp_path), "quad")
    assert failures(checks) == {"has an implementation"}
    assert {check.detail for check in checks if check.outcome == "skipped"} == {
        "no implementation gave an answer to judge"
    }


@pytest.mark.parametrize(
    ("text", "broken", "check"),
    [
        ('licence="CC0-1.0"', 'licence=" "', "says what it is"),
        ("return {", "return {} and {", "there are no arrays"),
        ("table[:, :-1]", "np.full((2, 2), -np.inf)", "-inf"),
        ("    return", "    table[0] = __import__('os').urandom(1)[0] / 3\n    return", "twice"),
    ],
)
def test_each_flaw_of_a_dataset_fails_its_check(use, tmp_path, text, broken, check):
    path, _ = new_dataset(Registry(), "table", tmp_path)
    source = path.read_text()
    assert source.count(text) == 1
    path.write_text(source.replace(text, broken))
    checks = check_dataset(use(tmp_path), "table")
    told = [f"{made.name}: {made.detail}" for made in checks if made.outcome == "failed"]
    assert any(check in line for line in told)


def test_a_dataset_that_is_not_downloaded_is_skipped(use, tmp_path, monkeypatch):
    monkeypatch.setenv("TILTYARD_CACHE", str(tmp_path / "cache"))
    path, _ = new_dataset(Registry(), "table", tmp_path)
    path.write_text(path.read_text().replace('path="table.csv"', 'url="http://127.0.0.1:9/x"'))
    checks = check_dataset(use(tmp_path), "table")
    assert [check.outcome for check in checks] == ["ok", "skipped", "skipped"]


def test_problems_of_a_dataset_that_is_not_downloaded_are_skipped(tmp_path):
    path, _ = new_dataset(Registry(), "table", tmp_path)
    text = path.read_text().replace('path="table.csv"', 'url="http://127.0.0.1:9/x"')
    path.write_text(f"{text}\n\n{FETCHED_FAMILY}")
    checks = check_family(discover((PLUGINS, tmp_path)), "toy", "tabled")
    assert failures(checks) == set()
    skipped = {check.detail for check in checks if check.outcome == "skipped"}
    assert skipped == {"dataset table: not downloaded from http://127.0.0.1:9/x"}
