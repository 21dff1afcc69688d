"""No method sees what it is to forecast; each cheater here tries, and fails."""

import contextlib
import copy
import gc
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from tests.suites.forecasting.cases import HORIZON, ORIGIN, WINDOWS, problem_of
from tiltyard.conformance import check_implementation
from tiltyard.errors import InvalidAnswer, TiltyardError
from tiltyard.registry import discover
from tiltyard.suites.forecasting import problem as problems
from tiltyard.suites.forecasting.causality import foresight
from tiltyard.suites.forecasting.forecasts import Forecasts, Taken
from tiltyard.suites.forecasting.judge import ForecastJudge
from tiltyard.suites.forecasting.problem import ForecastProblem

SERIES = 2


@pytest.fixture
def problem():
    """Return a problem of which no two values are alike."""
    rng = np.random.default_rng(0)
    return problem_of(rng.standard_normal((SERIES, ORIGIN + HORIZON * WINDOWS)))


def naive(past):
    return np.repeat(past[:, -1:], HORIZON, axis=1)


def reachable(root):
    """Yield every array that attributes, containers, closures and frames lead to from an object.

    Modules, and so the globals of functions, are no part of what a method is handed.
    """
    todo, seen = [root], set()
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, types.ModuleType | type | str | bytes):
            continue
        seen.add(id(one))
        if isinstance(one, np.ndarray):
            yield one
            todo.append(one.base)
        elif isinstance(one, dict):
            todo += [*one, *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            todo += one
        elif isinstance(one, types.FunctionType):
            todo += [cell.cell_contents for cell in one.__closure__ or ()]
            todo += [one.__defaults__, one.__kwdefaults__]
        elif isinstance(one, types.MethodType):
            todo += [one.__self__, one.__func__]
        elif isinstance(one, types.GeneratorType):
            todo += [one.gi_frame and one.gi_frame.f_locals]
        else:
            todo.append(getattr(one, "__dict__", None))
            todo += [
                getattr(one, name, None)
                for kind in type(one).__mro__
                for name in getattr(kind, "__slots__", ())
            ]


def test_search_finds_what_is_there(problem):
    future = problem.panel.values
    assert any(np.nanmax(array) == future.max() for array in reachable(problem))

    def feed():
        values = future
        yield 0
        yield values

    started = feed()
    next(started)
    holder = types.SimpleNamespace(a=[{"b": lambda: started}])
    assert any(array is future for array in reachable(holder))


def test_nothing_that_a_method_is_handed_leads_to_the_future(problem):
    truth = problem.panel.values
    run = problem.on("cpu")
    seen = []

    def forecast(past):
        now = past.shape[1]
        seen.append(now)
        hidden = truth[:, now:]
        for array in (*reachable(run), *reachable(past)):
            if array.dtype.kind == "f":
                assert not np.isin(hidden, array).any()
        return naive(past)

    made = run.roll(forecast)
    assert seen == [ORIGIN + HORIZON * w for w in range(WINDOWS)]
    hidden = truth[:, ORIGIN + HORIZON * WINDOWS - HORIZON :]
    assert not any(np.isin(hidden, array).any() for array in reachable(made))


def test_panel_is_not_there(problem):
    assert problem.on("cpu").panel is None
    assert problem.on("cpu").on("cpu").panel is None
    assert problem.history.base is None
    with pytest.raises(AttributeError):
        problem.on("cpu").roll(lambda past: problem.on("cpu").panel.values)


def test_buffer_of_the_past_holds_nothing_of_the_future(problem):
    def forecast(past):
        assert np.isnan(past.base[:, past.shape[1] :]).all()
        rows, now = past.shape
        beyond = np.lib.stride_tricks.as_strided(past, (rows, past.base.shape[1]), past.strides)
        assert np.isnan(beyond[:, now:]).all()
        return naive(past)

    problem.on("cpu").roll(forecast)


def test_past_cannot_be_written(problem):
    def forecast(past):
        for array in (past, past.base):
            with pytest.raises(ValueError, match="read-only"):
                array[0, 0] = 0.0
        with pytest.raises(ValueError, match="WRITEABLE"):
            past.flags.writeable = True
        return naive(past)

    problem.on("cpu").roll(forecast)


def test_writing_to_the_past_by_force_changes_no_label(problem):
    judge = ForecastJudge(problem)

    def forecast(past):
        made = naive(past)
        past.base.flags.writeable = True
        past.base[:] = 1e9
        return made

    honest = judge.accept(problem.on("cpu").roll(naive))
    forced = judge.accept(problem.on("cpu").roll(forecast))
    again = judge.accept(problem.on("cpu").roll(naive))
    assert np.array_equal(forced["absolute"][0], honest["absolute"][0])
    assert judge.score(again) == judge.score(honest)


def test_windows_are_shown_once(problem):
    run = problem.on("cpu")
    twin, deep = copy.copy(run), run.on("cpu")
    run.roll(naive)
    for one in (run, twin, deep, copy.copy(run), problem):
        with pytest.raises(TiltyardError, match="the test windows are shown once a run"):
            one.roll(naive)


def test_windows_are_shown_once_even_if_the_first_look_ends_early(problem):
    def breaks_off(past):
        raise KeyError

    for spy in (breaks_off, lambda past: "no forecast"):
        run = problem.on("cpu")
        twin = copy.copy(run)
        with contextlib.suppress(KeyError):
            run.roll(spy)
        for one in (run, twin):
            with pytest.raises(TiltyardError, match="shown once"):
                one.roll(naive)


def recorded(problem):
    """Roll, and return the answer with the values that the windows' pasts then told."""
    last = []

    def forecast(past):
        last.append(past)
        return naive(past)

    made = problem.on("cpu").roll(forecast)
    return made, last[-1][:, ORIGIN : ORIGIN + HORIZON].copy()


def test_forecasts_are_sealed(problem):
    made, known = recorded(problem)
    assert np.array_equal(known, problem.panel.values[:, ORIGIN : ORIGIN + HORIZON])
    judge = ForecastJudge(problem)
    before = judge.accept(made)
    with pytest.raises(ValueError, match="WRITEABLE"):
        made._taken.point[0].flags.writeable = True
    with pytest.raises(ValueError, match="read-only"):
        made._taken.point[0][:] = known
    made.point[0] = known
    made._taken = Taken((known,) * WINDOWS, (), None)
    after = judge.accept(made)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_returned_array_may_be_reused(problem):
    """What is judged is a copy, taken before the next past is shown."""
    buffer = np.empty((SERIES, HORIZON))
    known = []

    def forecast(past):
        if known:
            buffer[:] = past[:, -HORIZON:]  # the last window's labels, into the last forecast
        known.append(past)
        buffer[:] = naive(past)
        return buffer

    judge = ForecastJudge(problem)
    reused, honest = problem.on("cpu").roll(forecast), problem.on("cpu").roll(naive)
    buffer[:] = 0.0
    one, other = judge.accept(reused), judge.accept(honest)
    assert np.array_equal(one["absolute"], other["absolute"])


def test_forecasts_made_elsewhere_are_refused(problem):
    made, known = recorded(problem)
    forged = Forecasts(Taken((known,) * WINDOWS, (), None), 0)
    for one in (forged, copy.copy(made), copy.deepcopy(made)):
        with pytest.raises(InvalidAnswer, match=r"found forecasts made elsewhere"):
            ForecastJudge(problem).accept(one)


def honest(problem, rng):
    yield problem.roll(naive)


def peeks_at_frames(problem, rng):
    """Search the interpreter's frames for what the roll holds."""

    def forecast(past):
        feed = sys._getframe(1).f_locals["feed"]
        values = feed.gi_frame.f_locals["values"]
        return values[:, past.shape[1] :][:, :HORIZON]

    yield problem.roll(forecast)


def peeks_at_memory(problem, rng):
    """Search everything that the collector knows for a panel that begins like the past."""

    def forecast(past):
        now = past.shape[1]
        for one in gc.get_objects():
            if type(one) is ForecastProblem and one.panel is not None:
                values = one.panel.values
                if np.array_equal(values[:, :now], past):
                    return values[:, now:][:, :HORIZON]
        return naive(past)

    yield problem.roll(forecast)


def forges(problem, rng):
    """Write into the harness's own table what the last window has told of the first."""
    last = []

    def forecast(past):
        last.append(past)
        return naive(past)

    made = problem.roll(forecast)
    known = np.nan_to_num(last[-1][:, ORIGIN:][:, :1])
    problems._ROLLED[made] = Taken((naive(known),) * WINDOWS, (), None)
    yield made


def test_honest_forecasts_do_not_change_with_the_future(problem):
    assert list(foresight(problem, lambda one: next(honest(one.on("cpu"), None)))) == []


@pytest.mark.parametrize("cheater", [peeks_at_frames, peeks_at_memory, forges])
def test_forecasts_that_know_the_future_change_with_it(problem, cheater):
    found = list(foresight(problem, lambda one: next(cheater(one.on("cpu"), None))))
    assert found == ["point forecasts change with values that come later"]


def test_looking_ahead_leaves_windows_without_forecast(problem):
    def forecast(past):
        later = next(sys._getframe(1).f_locals["feed"], past)
        return np.repeat(later[:, -1:], HORIZON, axis=1)

    made = problem.on("cpu").roll(forecast)
    with pytest.raises(InvalidAnswer, match="2 of 3 windows were forecast"):
        ForecastJudge(problem).accept(made)


CHEATER = '''
"""A method that reads what it is to forecast from the interpreter's frames."""

import sys

from tiltyard import implementation


@implementation(suite="forecasting", cites="unpublished")
def frame_reader(problem, rng):
    """Read the panel where the harness holds it."""

    def forecast(past):
        values = sys._getframe(1).f_locals["feed"].gi_frame.f_locals["values"]
        return values[:, past.shape[1] :][:, : problem.horizon]

    yield problem.roll(forecast)
'''


def test_check_finds_a_cheater(monkeypatch, tmp_path):
    Path(tmp_path / "cheater.py").write_text(CHEATER)
    monkeypatch.setenv("TILTYARD_PLUGINS", str(tmp_path))
    checks = check_implementation(discover((tmp_path,)), "forecasting", "frame_reader")
    failed = {check.name: check.detail for check in checks if not check.ok}
    assert "keeps the rule of its suite" in failed
    assert failed["keeps the rule of its suite"].startswith("point forecasts change with values")
