"""Which column of a user's table holds what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from tiltyard.errors import TiltyardError

TIMES = ("ds", "time", "timestamp", "date", "datetime")
IDS = ("unique_id", "id", "item_id")
VALUES = ("y", "value", "target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The columns, counted from 0.

    Attributes:
        names: of all columns.
        time: the times.
        id: the names of series in a long table; None in a wide one.
        values: the one column of a long table, or one for each series of a wide one.
    """

    names: tuple[str, ...]
    time: int
    id: int | None
    values: tuple[int, ...]

    @classmethod
    def of(cls, where: str, names: Sequence[str], time: str, id: str, value: str) -> Self:  # noqa: A002 - as the parameter is called
        """Return the roles that a user named, or that the usual names of columns have.

        Args:
            where: the file, for messages.
            names: of the columns.
            time: ``auto`` stands for a column named as one of ``TIMES``, in any case.
            id: the same with ``IDS``; ``none``, or no such column, for a wide table.
            value: the same with ``VALUES``, or else the only other column of a long table; in a
                wide one, a column, or ``auto`` for all but that of the times.

        Raises:
            TiltyardError: a name is empty or stands twice, or a column is absent or in doubt.
        """
        for column, name in enumerate(names):
            if not name:
                raise TiltyardError(f"{where}, column {column + 1}: it has no name")
            if name in names[:column]:
                raise TiltyardError(f"{where}, column {column + 1}: {name!r} stands there twice")
        at_time = _find(where, names, "time", time, TIMES)
        if at_time is None:
            raise TiltyardError(
                f"{where}: no column is named {', '.join(TIMES)}; give the one of the times as "
                f"time=NAME, one of {_listed(names)}"
            )
        at_id = None if id == "none" else _find(where, names, "id", id, IDS)
        rest = [column for column in range(len(names)) if column not in (at_time, at_id)]
        at_value = None
        if at_id is not None or value != "auto":
            at_value = _find(where, names, "value", value, VALUES)
        if not rest or (at_value is not None and at_value in (at_time, at_id)):
            raise TiltyardError(f"{where}: no column is left for values")
        if at_id is not None and at_value is None:
            if len(rest) > 1:
                raise TiltyardError(
                    f"{where}: no column is named {', '.join(VALUES)}; give the one of the values "
                    f"as value=NAME, one of {_listed([names[column] for column in rest])}"
                )
            at_value = rest[0]
        values = tuple(rest) if at_value is None else (at_value,)
        return cls(names=tuple(names), time=at_time, id=at_id, values=values)


def _find(
    where: str, names: Sequence[str], role: str, asked: str, usual: Sequence[str]
) -> int | None:
    if asked != "auto":
        if asked not in names:
            raise TiltyardError(f"{where}: no column is named {asked!r}; it has {_listed(names)}")
        return names.index(asked)
    found = [column for column, name in enumerate(names) if name.lower() in usual]
    if len(found) > 1:
        raise TiltyardError(
            f"{where}: which column is the {role}? Give {role}=NAME, one of "
            f"{_listed([names[column] for column in found])}"
        )
    return found[0] if found else None


def _listed(names: Sequence[str]) -> str:
    some = ", ".join(names[:8])
    return some if len(names) <= 8 else f"{some} and {len(names) - 8} more"
