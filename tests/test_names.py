"""Names and values read back as they were spelled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.errors import TiltyardError
from tiltyard.names import check_parameters, convert, parse_name, spell

WORDS = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=12)
TEXTS = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S"), exclude_characters="[],="),
    min_size=1,
)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
)


@given(VALUES)
def test_values_read_back(value):
    read = convert("x", spell(value), value)
    assert (read, type(read)) == (value, type(value))


@given(WORDS, st.dictionaries(WORDS, VALUES, max_size=5))
def test_names_read_back(family, parameters):
    spelled = {key: spell(value) for key, value in parameters.items()}
    inside = ",".join(f"{key}={value}" for key, value in spelled.items())
    assert parse_name(f"{family}[{inside}]") == (family, spelled)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        family, parameters = parse_name(text)
    except TiltyardError as error:
        assert "is not of the form family[key=value,...]" in str(error)  # noqa: PT017
    else:
        assert text.startswith(family)
        assert all(isinstance(value, str) for value in parameters.values())


@given(VALUES, VALUES)
def test_any_value_is_converted_or_refused(value, default):
    try:
        read = convert("x", value, default)
    except TiltyardError as error:
        assert str(error).startswith(f"x: expected {type(default).__name__}, got ")  # noqa: PT017
    else:
        assert type(read) is type(default)


@pytest.mark.parametrize("name", ["f[", "f[a]", "f[a=]", "f[=1]", "f[a=1]b", "f[a=1", "f]a=1["])
def test_malformed_names_are_refused_or_bare(name):
    if "[" in name and not name.startswith("f]"):
        with pytest.raises(TiltyardError, match="is not of the form"):
            parse_name(name)


@pytest.mark.parametrize(
    ("value", "default", "read"),
    [
        ("5", 1, 5),
        ("5.0", 1, 5),
        ("1e3", 1, 1000),
        (5, 1.0, 5.0),
        ("TRUE", False, True),
        ("0.1", 1.0, 0.1),
        (3, "a", "3"),
    ],
)
def test_spelled_values_take_the_defaults_type(value, default, read):
    found = convert("x", value, default)
    assert (found, type(found)) == (read, type(default))


@pytest.mark.parametrize(
    ("value", "default"),
    [("1.5", 1), ("one", 1), ("nan", 1.0), ("inf", 1.0), ("1e999", 1.0), ("yes", True), ("", 1)],
)
def test_values_of_another_type_are_refused(value, default):
    with pytest.raises(TiltyardError, match=f"expected {type(default).__name__}, got {value!r}"):
        convert("x", value, default)


def test_unknown_parameters_name_the_known_ones():
    with pytest.raises(TiltyardError, match="problem f has no parameter 'c'; its parameters: a, b"):
        check_parameters("problem f", {"c": 1}, {"a": 1, "b": 2})
    with pytest.raises(TiltyardError, match="its parameters: none"):
        check_parameters("problem f", {"c": 1}, {})
