"""Records in one SQLite file: a transaction each, safe under several writers and under kill -9."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from tiltyard.errors import TiltyardError
from tiltyard.run.record import Record, Status, pack_answer
from tiltyard.run.spec import canonical_json

DEFAULT = Path("tiltyard.db")
SCHEMA_VERSION = 1

SYNC_SECONDS = 1.0
"""A commit survives any crash of a process; at most this much is lost when the power fails."""

_WAIT_SECONDS = 60.0
"""How long one process waits for another that writes."""

_APPLICATION_ID = 0x54494C54  # "TILT"; tells our files from other SQLite files

_MIGRATIONS = (
    """
    CREATE TABLE environments (id TEXT PRIMARY KEY, hardware TEXT NOT NULL, content TEXT NOT NULL);
    CREATE TABLE records (
        id TEXT NOT NULL,
        hardware TEXT NOT NULL,
        environment TEXT NOT NULL REFERENCES environments (id),
        suite TEXT NOT NULL,
        problem TEXT NOT NULL,
        implementation TEXT NOT NULL,
        status TEXT NOT NULL,
        started TEXT NOT NULL,
        spec TEXT NOT NULL,
        result BLOB NOT NULL,
        answer BLOB,
        PRIMARY KEY (id, hardware)
    );
    CREATE INDEX records_of_suite ON records (suite, problem, implementation);
    """,
)
"""The script at index v brings a file from schema version v to v + 1."""


class Store:
    """The records in one file; use it as a context manager.

    A run is stored once for each hardware it was made on. ``unsupported`` is replaced by whatever
    comes later, and nothing else is unless ``replace`` says so.

    Args:
        path: the file.
        readonly: never write; the file must exist.

    Raises:
        TiltyardError: the file cannot be opened, is no store, is damaged, or is of a newer schema.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        self._synced = -SYNC_SECONDS
        if readonly and not path.is_file():
            raise TiltyardError(f"no store at {path}; 'tiltyard run' makes one")
        if not path.parent.is_dir():
            raise TiltyardError(f"cannot open store {path}: its folder does not exist")
        if not readonly and not os.access(path.parent, os.W_OK):
            raise TiltyardError(f"cannot open store {path}: its folder cannot be written")
        with self._errors("open"):
            self._db = self._connect(readonly=readonly)
        try:
            with self._errors("open"):
                self._prepare(readonly=readonly)
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def add_environment(self, key: str, hardware: str, content: dict[str, Any]) -> None:
        """Keep an environment under its id; records refer to it."""
        with self._errors("write to"), self._transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO environments VALUES (?, ?, ?)",
                (key, hardware, canonical_json(content)),
            )

    def add(self, record: Record, *, replace: bool = False) -> bool:
        """Commit a record; return False if the store had one of this run on this hardware."""
        conflict = "" if replace else f"WHERE records.status = '{Status.UNSUPPORTED}'"
        with self._errors("write to"), self._transaction():
            done = self._db.execute(
                f"""
                INSERT INTO records
                SELECT ?, hardware, id, ?, ?, ?, ?, ?, ?, ?, ? FROM environments WHERE id = ?
                ON CONFLICT (id, hardware) DO UPDATE SET
                    environment = excluded.environment, status = excluded.status,
                    started = excluded.started, result = excluded.result,
                    answer = excluded.answer
                {conflict}
                """,  # noqa: S608 - the inserted text is a constant
                (
                    record.spec.id,
                    record.spec.suite,
                    record.spec.problem,
                    record.spec.implementation,
                    record.status,
                    record.started,
                    canonical_json(record.spec.to_json()),
                    zlib.compress(canonical_json(record.result_json()).encode()),
                    pack_answer(record.answer),
                    record.environment,
                ),
            )
        return done.rowcount > 0

    def finished(self, hardware: str) -> set[str]:
        """Return the ids of the runs that need not be made again on this hardware."""
        with self._errors("read"):
            rows = self._db.execute(
                "SELECT id FROM records WHERE hardware = ? AND status != ?",
                (hardware, Status.UNSUPPORTED),
            )
            return {key for (key,) in rows}

    def counts(self) -> dict[str, int]:
        """Return the number of records of every suite that has any."""
        with self._errors("read"):
            rows = self._db.execute("SELECT suite, count(*) FROM records GROUP BY suite")
            return dict(rows.fetchall())

    def records(
        self, suite: str | None = None, *, timed: bool = False, answers: bool = True
    ) -> Iterator[Record]:
        """Yield records in the order in which they were started.

        Args:
            suite: only this one's.
            timed: only those with a budget in seconds; the others belong to sweeps and claims.
            answers: whether the records hold their answers.
        """
        with self._errors("read"):
            # SQLite would sort whole records, and write what is large to a temporary file.
            keys = self._db.execute(
                "SELECT rowid FROM records WHERE (? IS NULL OR suite = ?) "
                "AND (NOT ? OR json_extract(spec, '$.budget.seconds') IS NOT NULL) "
                "ORDER BY started, id, hardware",
                (suite, suite, timed),
            ).fetchall()
            for (key,) in keys:
                spec, result, answer = self._db.execute(
                    "SELECT spec, result, CASE WHEN ? THEN answer END FROM records WHERE rowid = ?",
                    (answers, key),
                ).fetchone()
                yield Record.from_json(json.loads(spec), _unpack(result), answer)

    def find(self, prefix: str) -> Record:
        """Return the record whose id starts with ``prefix``.

        Raises:
            TiltyardError: there is none, or more than one run.
        """
        if not prefix or not set(prefix) <= set("0123456789abcdef"):
            raise TiltyardError(f"{prefix!r} is not the start of a record's id (hexadecimal)")
        with self._errors("read"):
            rows = self._db.execute(
                "SELECT id, spec, result, answer FROM records WHERE id GLOB ? "
                "ORDER BY started DESC",
                (f"{prefix}*",),
            ).fetchall()
        if not rows:
            raise TiltyardError(f"no record in {self.path} has an id that starts with {prefix}")
        if len({key for key, *_ in rows}) > 1:
            raise TiltyardError(f"{len(rows)} records have ids that start with {prefix}")
        _, spec, result, answer = rows[0]
        return Record.from_json(json.loads(spec), _unpack(result), answer)

    def environments(self) -> dict[str, dict[str, Any]]:
        """Return every environment by id; ``hardware`` is the id of its hardware."""
        with self._errors("read"):
            rows = self._db.execute("SELECT id, hardware, content FROM environments").fetchall()
        return {key: {**json.loads(content), "hardware": hw} for key, hw, content in rows}

    def _connect(self, *, readonly: bool) -> sqlite3.Connection:
        mode = "ro" if readonly else "rwc"
        if readonly and not os.access(self.path.parent, os.W_OK):
            mode += "&immutable=1"  # WAL wants to write beside the file even for reading
        uri = f"{self.path.resolve().as_uri()}?mode={mode}"
        return sqlite3.connect(uri, uri=True, timeout=_WAIT_SECONDS, isolation_level=None)

    def _prepare(self, *, readonly: bool) -> None:
        version = self._version()
        if version > SCHEMA_VERSION:
            raise TiltyardError(
                f"store {self.path} has schema {version}, this Tiltyard knows {SCHEMA_VERSION}; "
                "upgrade Tiltyard to read it"
            )
        if readonly:
            if version < SCHEMA_VERSION:
                raise TiltyardError(
                    f"store {self.path} has schema {version}; 'tiltyard run' upgrades it"
                )
            return
        self._use_write_ahead_log()
        self._db.execute("PRAGMA foreign_keys = ON")
        if version < SCHEMA_VERSION:
            self._migrate()

    def _use_write_ahead_log(self) -> None:
        """Switch the journal; SQLite does not itself wait for another process that does so too."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    def _version(self) -> int:
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        owner = self._db.execute("PRAGMA application_id").fetchone()[0]
        if tables and owner != _APPLICATION_ID:
            raise TiltyardError(f"{self.path} is an SQLite file, but not a Tiltyard store")
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self) -> None:
        """Bring the file to the current schema; two processes may try at once."""
        with self._transaction():
            for version in range(self._version(), SCHEMA_VERSION):
                for statement in _MIGRATIONS[version].split(";"):
                    self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        # Waiting for the disk takes longer than a trivial run, so not every commit does.
        wait = time.monotonic() - self._synced > SYNC_SECONDS
        self._db.execute(f"PRAGMA synchronous = {'FULL' if wait else 'NORMAL'}")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        if wait:
            self._synced = time.monotonic()

    @contextlib.contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        """Turn SQLite's and the file's errors into one line."""
        try:
            yield
        except sqlite3.Error as error:
            raise TiltyardError(f"cannot {doing} store {self.path}: {error}") from None
        except (ValueError, zlib.error) as error:
            raise TiltyardError(f"store {self.path} is damaged: {error}") from None


def _unpack(result: bytes) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(zlib.decompress(result))
    return values
