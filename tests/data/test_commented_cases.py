"""Cases as files with a comment for every field: they are read back equal, and no field is without words."""

import re
import tomllib
from pathlib import Path

import pytest

import veridical as vd
from support.full_cases import FULL, RECORDS
from veridical.data.commented import WIDTH, commented
from veridical.data.joint_plan import ROLES
from veridical.data.load import place_of

ASSIGNED = re.compile(r'^(#?)([A-Za-z_]+|"[^"]*") = ')


def explained(text: str) -> tuple[set[str], set[str]]:
    """Return the keys of a file, and those that have a comment where one of them stands."""
    keys, said, before = set(), set(), ""
    for line in text.splitlines():
        assigned = ASSIGNED.match(line)
        if assigned:
            keys.add(assigned[2])
            if "  # " in line or before.startswith("# "):
                said.add(assigned[2])
        before = line
    return keys, said


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("name", vd.examples())
def test_a_shipped_case_comes_back_equal_with_words_for_every_key(name: str, every: bool, tmp_path: Path) -> None:
    case = vd.example(name)
    text, beside = commented(case, every)
    for file, content in {**beside, "case.toml": text}.items():
        (tmp_path / file).write_text(content, encoding="utf-8")
    assert vd.load(tmp_path / "case.toml") == case
    keys, said = explained(text)
    assert keys - said == set()
    given = place_of(name)
    raw = tomllib.loads((given / "case.toml" if given.is_dir() else given).read_text(encoding="utf-8"))
    assert set(raw) <= set(tomllib.loads(text))


@pytest.mark.parametrize("name", ["assembler", "products", "power demand", "types in a range", "vendors"])
def test_with_every_key_those_that_are_left_out_are_there_as_comments(name: str) -> None:
    text, _ = commented(FULL[name], True)
    keys, said = explained(text)
    cls = RECORDS[type(FULL[name]._as_files()[0]).__name__]
    assert set(cls.model_fields) - keys - set(re.findall(r"^\[+([a-z_]+)\]+$", text, flags=re.MULTILINE)) == set()
    assert keys - said == set()
    assert tomllib.loads(text) == tomllib.loads(commented(FULL[name])[0])


def test_every_field_of_every_record_says_what_it_is() -> None:
    bare = {
        f"{name}.{key}"
        for name, cls in RECORDS.items()
        for key, field in cls.model_fields.items()
        if not field.description and key not in cls.unwritten and key not in ("kind", "form", "distribution")
    }
    assert bare == set()
    assert [role for role, cls in ROLES.items() if not all(column.header for column in cls.columns().values())] == []


def test_comments_keep_to_the_width_and_are_said_once() -> None:
    text, _ = commented(FULL["assembler"], True)
    assert [line for line in text.splitlines() if line.startswith("# ") and len(line) > WIDTH] == []
    assert text.count("the most that he can deliver, units") == 1
    assert text.count("capacity = ") == 2  # of both suppliers, of one as a comment


def test_long_lists_have_a_line_for_each_entry() -> None:
    n = 12
    suppliers = [{"name": f"s{k}", "costs": [1.0, 2.0], "probabilities": [0.5, 0.5]} for k in range(n)]
    rho = [[1.0 if i == j else 0.125 for j in range(n)] for i in range(n)]
    case = vd.data.AssemblerCase(price=99.0, demand=FULL["assembler"].demand, suppliers=suppliers, prior={"correlation": rho})
    text, _ = commented(case)
    assert text.count("\n    [") == n
    assert tomllib.loads(text)["prior"]["correlation"] == rho
