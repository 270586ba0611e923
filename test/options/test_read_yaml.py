"""YAML files: what is read, and what is refused with file, line and column."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.errors import ConfigError
from trt_perception.options.read_yaml import MAX_BYTES, parse_yaml, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("a: 1\nb: [x, 2.5]", {"a": 1, "b": ["x", 2.5]}, id="mapping_and_list"),
        pytest.param("", None, id="empty"),
        pytest.param("[yes, no, on, off]", ["yes", "no", "on", "off"], id="yaml_1_1_booleans_are_words"),
        pytest.param("[true, False, TRUE]", [True, False, True], id="booleans"),
        pytest.param("[1e-3, 1.0e3, .5, 2., -.inf]", [1e-3, 1000.0, 0.5, 2.0, float("-inf")], id="floats"),
        pytest.param("[0x10, 0o10, 010, -3, +4]", [16, 8, 10, -3, 4], id="whole_numbers"),
        pytest.param("[12:30, 2024-01-02]", ["12:30", "2024-01-02"], id="times_and_dates_are_words"),
        pytest.param("[~, null, '']", [None, None, ""], id="null_and_empty_text"),
        pytest.param(
            "a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}", {"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 3}}, id="merge"
        ),
        pytest.param("a: &x [1]\nb: *x", {"a": [1], "b": [1]}, id="alias"),
        pytest.param("name: Zebrastreifen-Übergang", {"name": "Zebrastreifen-Übergang"}, id="utf_8"),
    ],
)
def test_reads(tmp_path: Path, text: str, value: object) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_yaml(path) == value


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGE_BOMB = "a: &a {x: 1}\n" + "".join(
    f"{new}: &{new} {{<<: [{', '.join(['*' + old] * 10)}]}}\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: 1\nb: 2\na: 3", r":3:1: the key 'a' stands here and in line 1", id="key_twice"),
        pytest.param("c:\n  a: 1\n  a: 2", r":3:3: the key 'a' stands here and in line 2", id="nested_key_twice"),
        pytest.param("1: a\n0x1: b", r":2:1: the key 1 stands here", id="number_key_twice"),
        pytest.param("a: [1, 2", r":1:\d+: not valid YAML", id="unclosed_list"),
        pytest.param("a: 1\n\tb: 2", r":2:1: not valid YAML", id="tab"),
        pytest.param("a: *nowhere", r":1:4: not valid YAML: found undefined alias", id="undefined_alias"),
        pytest.param("a: 1\n---\nb: 2", r":2:1: not valid YAML", id="two_documents"),
        pytest.param("a: !!python/object/apply:os.system [ls]", r":1:4: the tag .* is not allowed", id="python_tag"),
        pytest.param("a: !!timestamp x", r":1:4: the tag .* is not allowed", id="other_tag"),
        pytest.param("a: !!int x", r":1:4: not valid YAML: not a whole number: 'x'", id="wrong_int_tag"),
        pytest.param("a: !!float x", r":1:4: not valid YAML: not a number: 'x'", id="wrong_float_tag"),
        pytest.param("a: !!bool x", r":1:4: not valid YAML: neither true nor false: 'x'", id="wrong_bool_tag"),
        *(
            pytest.param(f"a: !!{tag} {{b: 1}}", r":1:4: not valid YAML: expected a scalar node", id=f"{tag}_mapping")
            for tag in ("int", "float", "bool")
        ),
        pytest.param("a: " + "1" * 5000, r":1:4: not valid YAML: not a whole number", id="too_many_digits"),
        pytest.param("? [1, 2]\n: 3", r":1:3: expected a word as key", id="list_as_key"),
        pytest.param("a: &a [*a]", r":1:4: an alias refers to the list or mapping", id="alias_in_itself"),
        pytest.param(BOMB, r"at most 100000 values", id="alias_bomb"),
        pytest.param(MERGE_BOMB, r"at most 100000 values", id="merge_bomb"),
        pytest.param("[" * 5000, r"nested too deeply", id="deep_nesting"),
        pytest.param("a: \x01", r"not valid YAML: .*special characters", id="control_character"),
        pytest.param("#" * (MAX_BYTES + 1), r"at most 1048576 bytes", id="too_large"),
    ],
)
def test_refuses_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(str(path))


def test_refuses_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: \xff\xfe\xfa")
    with pytest.raises(ConfigError, match="not valid YAML"):
        read_yaml(path)


def test_names_an_absent_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: no such file"):
        read_yaml(tmp_path / "absent.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)


def _complaint(data: bytes) -> str:
    try:
        parse_yaml(data, where="x.yaml")
    except ConfigError as error:
        return str(error)
    return ""


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_a_value_or_a_config_error(data: bytes) -> None:
    assert re.match(r"^$|x\.yaml(:\d+:\d+)?: ", _complaint(data))


_FLOW = st.lists(
    st.sampled_from([*"[]{},:&*!?-|>'\"#%@\n ", "a", "&a ", "*a", "1", "<<: ", "true", "!!int ", "? ", "- ", "~"]),
    max_size=40,
).map("".join)


@given(_FLOW)
def test_any_syntax_gives_a_value_or_a_config_error(text: str) -> None:
    assert re.match(r"^$|x\.yaml(:\d+:\d+)?: ", _complaint(text.encode()))
