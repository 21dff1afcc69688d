"""Isolated runs: whatever a method does costs that one run, and its status says what happened."""

import pytest

from tiltyard.run.pool import Finished, Pool, Refused
from tiltyard.run.record import Status
from tiltyard.run.spec import Limits

MISDEEDS = {
    "raise": (Status.CRASHED, "ZeroDivisionError: as asked"),
    "unsupported": (Status.UNSUPPORTED, "cannot do this one"),
    "exit": (Status.CRASHED, "called sys.exit(3)"),
    "os_exit": (Status.CRASHED, "the worker exited with code 7"),
    "segfault": (Status.CRASHED, "the worker was killed by SIGSEGV"),
    "sleep": (Status.TIMEOUT, "wall limit of 1 s exceeded"),
    "spin": (Status.TIMEOUT, "wall limit of 1 s exceeded"),
    "too_much": (Status.OUT_OF_MEMORY, "MemoryError"),
    "nan": (Status.DIVERGED, "the answer is nan"),
    "inf": (Status.DIVERGED, "the answer is inf"),
    "huge": (Status.DIVERGED, "gap is inf"),
    "shape": (Status.INVALID_ANSWER, "expected a float, got list"),
    "none": (Status.INVALID_ANSWER, "expected a float, got NoneType"),
    "unsound": (Status.UNSOUND, "claims the impossible"),
}


def finish(pool, specs):
    return [event.record for event in pool.run(specs) if isinstance(event, Finished)]


@pytest.fixture(scope="module")
def pool():
    with Pool(limits=Limits(wall_seconds=1, memory_bytes=2**33)) as opened:
        yield opened


def test_every_misdeed_has_its_status_and_the_next_run_is_unharmed(pool, spec):
    specs = []
    for index, how in enumerate(MISDEEDS):
        specs += [spec("misbehave", how=how), spec("halve", seed=index)]
    records = finish(pool, specs)
    assert len(records) == 2 * len(MISDEEDS)
    for record, (how, (status, reason)) in zip(records[::2], MISDEEDS.items(), strict=True):
        assert record.status == status, how
        assert record.reason.startswith(reason), how
    assert {record.status for record in records[1::2]} == {Status.SOLVED}


def test_crash_keeps_the_traceback_and_the_checkpoints_before_it(pool, spec):
    (record,) = finish(pool, [spec("misbehave", how="raise")])
    assert "ZeroDivisionError" in record.traceback
    assert "toy.py" in record.traceback
    assert record.metrics == {"gap": 1.0}


def test_segfault_keeps_the_stack(pool, spec):
    (record,) = finish(pool, [spec("misbehave", how="segfault")])
    assert "Segmentation fault" in record.traceback


def test_method_that_never_yields(pool, spec):
    (record,) = finish(pool, [spec("silent", forever=True)])
    assert record.status == Status.TIMEOUT
    assert not record.checkpoints


def test_method_without_answers(pool, spec):
    (record,) = finish(pool, [spec("silent")])
    assert record.status == Status.INVALID_ANSWER
    assert record.reason == "returned without an answer"


def test_first_answer_nan_is_invalid(pool, spec):
    (record,) = finish(pool, [spec("first_nan")])
    assert record.status == Status.INVALID_ANSWER


def test_memory_limit(spec):
    with Pool(limits=Limits(wall_seconds=60, memory_bytes=400 * 2**20)) as pool:
        records = finish(pool, [spec("misbehave", how="allocate"), spec("halve")])
    assert records[0].status == Status.OUT_OF_MEMORY
    assert records[0].reason == "memory limit of 0.391 GiB exceeded"
    assert records[1].status == Status.SOLVED


def test_absent_package_is_unsupported_with_the_pip_command(pool, spec):
    (record,) = finish(pool, [spec("needy")])
    assert record.status == Status.UNSUPPORTED
    assert record.reason == "needs no_such_module: pip install 'no-such-package>=1'"


def test_problem_without_a_required_fact_is_unsupported(pool, spec):
    (record,) = finish(pool, [spec("positive_only", problem="line[x0=-1]")])
    assert record.status == Status.UNSUPPORTED
    assert record.reason == "needs sign = plus; this problem has minus"


def test_device_that_the_method_does_not_know_is_unsupported(pool, spec):
    (record,) = finish(pool, [spec("halve", device="cuda:99")])
    assert record.status == Status.UNSUPPORTED


def test_cuda_run(pool, spec):
    import torch

    (record,) = finish(pool, [spec("both_devices", device="cuda")])
    if torch.cuda.is_available():
        assert record.status == Status.SOLVED
    else:
        assert record.status == Status.UNSUPPORTED
        assert record.reason == "no CUDA device on this machine"


def test_problem_that_cannot_be_set_up_is_refused(spec):
    limits = Limits(wall_seconds=1, setup_seconds=0.5, memory_bytes=2**33)
    with Pool(limits=limits) as pool:
        events = list(pool.run([spec("halve", problem="line[x0=0.5]"), spec("halve")]))
    refused = [event for event in events if isinstance(event, Refused)]
    assert [event.reason for event in refused] == [
        "problem and reference were not set up within 0.5 s"
    ]
    assert [e.record.status for e in events if isinstance(e, Finished)] == [Status.SOLVED]


def test_problem_that_raises_is_refused(pool, spec):
    events = list(pool.run([spec("halve", problem="line[x0=0.25]"), spec("halve")]))
    refused = [event.reason for event in events if isinstance(event, Refused)]
    assert refused == ["ZeroDivisionError: no such line"]
    assert [e.record.status for e in events if isinstance(e, Finished)] == [Status.SOLVED]


def test_same_seed_same_answers_in_any_order_and_process(spec):
    limits = Limits(wall_seconds=10, memory_bytes=2**33)
    specs = [spec("noisy", seed=seed) for seed in range(4)]
    with Pool(limits=limits) as pool:
        first = {r.spec.id: [p.metrics for p in r.checkpoints] for r in finish(pool, specs)}
    with Pool(limits=limits, jobs=2) as pool:
        again = {r.spec.id: [p.metrics for p in r.checkpoints] for r in finish(pool, specs[::-1])}
    assert first == again
    assert len({str(points) for points in first.values()}) == 4


def test_several_jobs_make_every_run_once(spec):
    specs = [spec("noisy", seed=seed) for seed in range(20)]
    with Pool(limits=Limits(wall_seconds=10, memory_bytes=2**33), jobs=3) as pool:
        records = finish(pool, specs)
    assert sorted(record.spec.id for record in records) == sorted(one.id for one in specs)


def test_record_holds_what_the_run_used(pool, spec):
    (record,) = finish(pool, [spec("halve")])
    assert record.oracles == {"step": record.iterations}
    assert record.peak_memory_bytes is None or record.peak_memory_bytes >= 0
    assert record.threads["openblas"] == 1
    assert record.reference == {"value": 0.0}
    assert record.energy is None
    (record,) = finish(pool, [spec("misbehave", how="phase")])
    assert 0.01 <= record.phases["think"] <= record.seconds


def test_library_with_a_callback(pool, spec):
    (record,) = finish(pool, [spec("called_back")])
    assert record.status == Status.SOLVED
    assert record.metrics["gap"] == 2.0**-8


def test_problem_whose_package_is_absent_is_unsupported_and_says_what_to_install(pool, spec):
    (record,) = finish(pool, [spec("halve", problem="needy-line")])
    assert record.status == Status.UNSUPPORTED
    assert record.reason == (
        "problem needy-line needs no_such_module: pip install 'no-such-package>=1'"
    )
    assert record.reference == {}
