"""The store: durable, shared, and clear about what is wrong with a file."""

import concurrent.futures
import multiprocessing
import sqlite3
import threading

import numpy as np
import pytest

from tiltyard import store as store_module
from tiltyard.errors import TiltyardError
from tiltyard.run.checkpoint import Checkpoint
from tiltyard.run.record import Record, Status, unpack_answer
from tiltyard.store import SCHEMA_VERSION, Store


@pytest.fixture
def record(spec):
    """Return a function that makes a finished record."""

    def make(seed=0, status=Status.SOLVED):
        return Record(
            spec=spec("halve", seed=seed),
            status=status,
            checkpoints=[
                Checkpoint(
                    iteration=1,
                    seconds=0.25,
                    oracles={"step": 1},
                    metrics={"gap": 0.5, "other": float("nan")},
                )
            ],
            answer={"x": np.array([1.0, 2.0])},
            environment="env",
            started=f"2026-01-01T00:00:{seed % 60:02d}+00:00",
        )

    return make


def open_store(path):
    store = Store(path)
    store.add_environment("env", "hw", {"cpu": "test"})
    return store


def test_record_comes_back_as_it_was(tmp_path, record):
    made = record()
    with open_store(tmp_path / "s.db") as store:
        assert store.add(made)
        (back,) = store.records("toy")
    assert back.spec == made.spec
    assert back.spec.id == made.spec.id
    assert back.metrics["gap"] == 0.5
    assert np.isnan(back.metrics["other"])
    np.testing.assert_array_equal(back.answer["x"], made.answer["x"])
    assert back.result_json() == made.result_json()


def test_a_run_is_stored_once(tmp_path, record):
    with open_store(tmp_path / "s.db") as store:
        assert store.add(record())
        assert not store.add(record(status=Status.CRASHED))
        assert [one.status for one in store.records()] == [Status.SOLVED]
        assert store.add(record(status=Status.CRASHED), replace=True)
        assert [one.status for one in store.records()] == [Status.CRASHED]


def test_unsupported_is_tried_again(tmp_path, record):
    with open_store(tmp_path / "s.db") as store:
        store.add(record(status=Status.UNSUPPORTED))
        assert store.finished("hw") == set()
        assert store.add(record())
        assert store.finished("hw") == {record().spec.id}
        assert store.finished("other hardware") == set()


def test_find_by_prefix(tmp_path, record):
    with open_store(tmp_path / "s.db") as store:
        store.add(record(0))
        store.add(record(1))
        one = record(1).spec.id
        assert store.find(one[:12]).spec.seed == 1
        with pytest.raises(TiltyardError, match="hexadecimal"):
            store.find("xyz")
        with pytest.raises(TiltyardError, match="no record"):
            store.find("0" * 64)


def _write(path, make_specs):
    from tiltyard.run.spec import RunSpec

    with open_store(path) as store:
        for values in make_specs:
            spec = RunSpec.from_json(values)
            store.add(Record(spec=spec, status=Status.SOLVED, environment="env", started="now"))


def test_two_writers_at_once_lose_and_repeat_nothing(tmp_path, record):
    path = tmp_path / "s.db"
    specs = [record(seed).spec.to_json() for seed in range(60)]
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=_write, args=(path, part)) for part in (specs[:40], specs[20:])
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    with Store(path, readonly=True) as store:
        assert len(list(store.records())) == 60


def test_many_that_make_the_file_at_once_wait_for_each_other(tmp_path):
    def make(folder, barrier):
        barrier.wait()
        with Store(folder / "s.db") as store:
            return store.counts()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for number in range(40):  # without waiting, about one in twenty fails
            folder = tmp_path / str(number)
            folder.mkdir()
            barrier = threading.Barrier(8)
            made = [pool.submit(make, folder, barrier) for _ in range(8)]
            assert [each.result() for each in made] == [{}] * 8


def test_reading_needs_a_file(tmp_path):
    with pytest.raises(TiltyardError, match=r"no store at .*tiltyard run.* makes one"):
        Store(tmp_path / "s.db", readonly=True)


def test_folder_that_does_not_exist(tmp_path):
    with pytest.raises(TiltyardError, match="its folder does not exist"):
        Store(tmp_path / "no" / "s.db")


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to look", b"SQLite"])
def test_file_that_is_no_database(tmp_path, content):
    path = tmp_path / "s.db"
    path.write_bytes(content * 100)
    with pytest.raises(TiltyardError, match="file is not a database"):
        Store(path)
    assert path.read_bytes() == content * 100


def test_database_of_another_program(tmp_path):
    path = tmp_path / "s.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    with pytest.raises(TiltyardError, match="not a Tiltyard store"):
        Store(path)


def test_newer_schema(tmp_path):
    path = tmp_path / "s.db"
    with Store(path):
        pass
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()
    with pytest.raises(TiltyardError, match="upgrade Tiltyard to read it"):
        Store(path)


def test_older_schema_is_migrated_and_keeps_its_records(tmp_path, record, monkeypatch):
    path = tmp_path / "s.db"
    with open_store(path) as store:
        store.add(record())
    migrations = (*store_module._MIGRATIONS, "ALTER TABLE records ADD COLUMN extra TEXT")
    monkeypatch.setattr(store_module, "_MIGRATIONS", migrations)
    monkeypatch.setattr(store_module, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    with pytest.raises(TiltyardError, match="'tiltyard run' upgrades"):
        Store(path, readonly=True)
    with Store(path) as store:
        assert store._version() == SCHEMA_VERSION + 1
        assert [one.spec.id for one in store.records()] == [record().spec.id]
    with Store(path, readonly=True) as store:
        assert store._db.execute("SELECT extra FROM records").fetchall() == [(None,)]


def test_corrupt_pages(tmp_path, record):
    path = tmp_path / "s.db"
    with open_store(path) as store:
        for seed in range(60):
            store.add(record(seed))
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(TiltyardError, match=r"cannot \w+ store .*s.db"), Store(path) as store:
        list(store.records())


def _fill(store, record):
    for seed in range(1, 60):
        store.add(record(seed))


def test_full_disk_keeps_what_was_committed(tmp_path, record):
    path = tmp_path / "s.db"
    with open_store(path) as store:
        store.add(record(0))
        store._db.execute("PRAGMA max_page_count = 1")  # SQLite's own way to a full disk
        with pytest.raises(TiltyardError, match="database or disk is full"):
            _fill(store, record)
        kept = len(list(store.records()))
    with Store(path, readonly=True) as store:
        assert len(list(store.records())) == kept >= 1


def test_readonly_folder_can_be_read_but_not_written(tmp_path, record, monkeypatch):
    path = tmp_path / "s.db"
    with open_store(path) as store:
        store.add(record())
    monkeypatch.setattr("os.access", lambda *_: False)  # as on a disk that is mounted read-only
    with pytest.raises(TiltyardError, match="its folder cannot be written"):
        Store(path)
    with Store(path, readonly=True) as store:
        assert len(list(store.records())) == 1


def test_readonly_file(tmp_path, record):
    path = tmp_path / "s.db"
    with open_store(path) as store:
        store.add(record())
    with Store(path, readonly=True) as store, pytest.raises(TiltyardError, match="readonly"):
        store.add(record(1))


def test_damaged_answer_is_told():
    with pytest.raises(ValueError, match="damaged"):
        unpack_answer(b"PK\x03\x04 truncated")
