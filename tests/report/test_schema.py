"""Tests of leaderboard.json against its published schema."""

import copy
import json

import jsonschema
import pytest
from odd_boards import ENVIRONMENTS, ODD, board_of, odd_boards
from toy_store import by_hand, record

import tiltyard
from tiltyard.report.document import FORMAT, SCHEMA, board_json, leaderboard_json, schema_json

PUBLISHED = json.loads(schema_json())


def validate(document):
    """Raise unless a document follows the schema, dates included."""
    jsonschema.Draft202012Validator(PUBLISHED).validate(document)


def document(*boards):
    return json.loads(leaderboard_json([board_json(one, ENVIRONMENTS) for one in boards]))


@pytest.fixture
def usual(toy):
    return document(board_of(toy, by_hand()))


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(PUBLISHED)
    assert PUBLISHED["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert PUBLISHED["properties"]["format"]["const"] == FORMAT
    assert PUBLISHED["properties"]["$schema"]["const"] == SCHEMA


def objects(schema):
    """Yield every part of a schema that describes an object with named fields."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)


def test_every_field_is_described_and_required():
    found = list(objects(PUBLISHED))
    assert len(found) == 5
    for one in found:
        optional = ["kind"] if "tier" in one["properties"] else []  # younger than the format
        assert sorted([*one["required"], *optional]) == sorted(one["properties"])
        assert one["additionalProperties"] is False
        for name, field in one["properties"].items():
            assert field.get("description") or "$ref" in field, name
    assert all(one["description"] for one in PUBLISHED["$defs"].values())


@pytest.mark.parametrize("what", ODD)
def test_every_board_follows_the_schema(toy, what):
    validate(document(odd_boards(toy)[what]))


def test_all_boards_in_one_document_and_none(toy):
    validate(document(*odd_boards(toy).values()))
    validate(document())


def test_what_a_site_writes_follows_the_schema_beside_it(site, tmp_path):
    site(by_hand(), out=tmp_path / "out")
    written = json.loads((tmp_path / "out" / "leaderboard.json").read_text("utf-8"))
    beside = json.loads((tmp_path / "out" / written["$schema"]).read_text("utf-8"))
    assert beside == PUBLISHED
    validate(written)


def change(document, path, value):
    """Return a document with another value at a path; ... removes it."""
    changed = copy.deepcopy(document)
    *way, last = path
    place = changed
    for step in way:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["format"], 2),
        (["format"], ...),
        (["$schema"], "another.json"),
        (["boards"], {}),
        (["more"], 1),
        (["boards", 0, "pool"], "not a hash"),
        (["boards", 0, "not_for_publication"], "no"),
        (["boards", 0, "targets", 0], "0.1"),
        (["boards", 0, "seeds", 0], 0.5),
        (["boards", 0, "last_run"], ...),
        (["boards", 0, "conditions", "threads"], 0),
        (["boards", 0, "conditions", "budget", "seconds"], -1),
        (["boards", 0, "rows"], []),
        (["boards", 0, "rows", 0, "rank"], 0),
        (["boards", 0, "rows", 0, "rank"], 1.5),
        (["boards", 0, "rows", 0, "score"], 1.01),
        (["boards", 0, "rows", 0, "score"], ...),
        (["boards", 0, "rows", 0, "seconds", "0.1"], "10 ms"),
        (["boards", 0, "rows", 0, "seconds", "soon"], 1.0),
        (["boards", 0, "rows", 0, "reached", "0.1"], -0.1),
        (["boards", 0, "rows", 0, "statuses", "won"], 1),
        (["boards", 0, "rows", 0, "points"], 3),
    ],
)
def test_a_wrong_document_fails(usual, path, value):
    validate(usual)
    with pytest.raises(jsonschema.ValidationError):
        validate(change(usual, path, value))


def test_the_document_holds_the_board(usual):
    assert usual["tiltyard"] == tiltyard.__version__
    (board,) = usual["boards"]
    assert (board["suite"], board["suite_version"], board["tier"]) == ("toy", 1, "standard")
    assert board["not_for_publication"] is False
    assert board["conditions"] == {
        "device": "cpu",
        "threads": 1,
        "budget": {"seconds": 0.2, "iterations": None, "cost": None},
        "hardware": "hw",
        "hardware_description": "Toy 3000, 2 cores, 8 GiB",
    }
    assert board["metrics"] == {"gap": "1"}
    assert board["runs"] == 8
    assert board["made_with"] == ["0.1.0"]
    assert board["rows"][0]["implementation"] == "noisy"
    misbehave = next(row for row in board["rows"] if row["implementation"] == "misbehave")
    assert misbehave["seconds"] == {"0.1": None, "0.01": None}
    assert misbehave["reasons"] == {"crashed: as asked": 1, "diverged: gap is inf": 1}


def test_first_and_last_run(toy):
    days = ("2026-03-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00", "")
    records = [
        record(name, "line[x0=3.0,instance=0]", [(0.1, 0.05)], started=day)
        for name, day in zip(("halve", "noisy", "called_back"), days, strict=True)
    ]
    (board,) = document(board_of(toy, records))["boards"]
    assert (board["first_run"], board["last_run"]) == (days[1], days[0])
    (board,) = document(board_of(toy, records[2:]))["boards"]
    assert (board["first_run"], board["last_run"]) == (None, None)


def test_smoke_is_not_for_publication(toy):
    (board,) = document(odd_boards(toy)["smoke"])["boards"]
    assert board["not_for_publication"] is True
