"""Case files and samples of demand that are refused, by file, field, value and what is allowed."""

from pathlib import Path

import pytest

from support.bad_input import GOOD, MENU, good, price, refused
from support.command_line import Run

Row = tuple[str, str, str, str, str]
UNIFORM = 'distribution = "uniform"\nlow = 200\nhigh = 800'
SAMPLE = 'distribution = "sample"\nfile = "sample.csv"'
PANEL = "probabilities = [0.6, 0.4]"
BATTERY = "probabilities = [0.7, 0.3]"


def joint(table: str) -> str:
    """Return the good case with a joint prior in place of probabilities."""
    bare = GOOD.replace(f"{PANEL}\n", "").replace(f"{BATTERY}\n", "")
    return f"{bare}[prior]\njoint = {table}\n"


def copula(matrix: str) -> str:
    """Return the good case with the correlation of a Gaussian copula."""
    return f"{GOOD}[prior]\ncorrelation = {matrix}\n"


def costs(value: str) -> str:
    """Return the good case with other costs of the panel."""
    return good("costs = [3.0, 9.0]", f"costs = {value}")


def probabilities(value: str) -> str:
    """Return the good case with other probabilities of the panel's costs."""
    return good(PANEL, f"probabilities = {value}")


def demand(value: str) -> str:
    """Return the good case with another demand."""
    return good(UNIFORM, value)


def empirical(values: str, weights: str) -> str:
    """Return the good case with empirical demand."""
    return demand(f'distribution = "empirical"\nvalues = {values}\nweights = {weights}')


def many(count: int) -> str:
    """Return a case with that many suppliers of two costs."""
    head = GOOD[: GOOD.index("[[suppliers]]")]
    return head + "".join(f'[[suppliers]]\nname = "s{k}"\ncosts = [1.0, 2.0]\nprobabilities = [0.5, 0.5]\n' for k in range(count))


ASCENDING = "one or more finite unit costs > 0, strictly ascending"
PROBABILITIES = "finite probabilities >= 0, one a cost"
SUM = "probabilities that sum to 1 within 1e-09"
NESTED = "nested lists of finite probabilities >= 0, one level a supplier or retailer"
MATRIX = "a symmetric positive semidefinite matrix with ones on its diagonal"
TABLES = "one or more [[suppliers]] tables"
NAME = "non-empty text on one line"
FIRST = "suppliers[0]"
BAD_CASES: list[Row] = [  # id; the file; then what the message shows: field, value, allowed
    ("price NaN", price("nan"), "price", "nan", "a finite number > 0"),
    ("price infinite", price("inf"), "price", "inf", "a finite number > 0"),
    ("price zero", price("0"), "price", "0", "a finite number > 0"),
    ("price negative", price("-30.0"), "price", "-30.0", "a finite number > 0"),
    ("price text", price('"thirty"'), "price", "'thirty'", "a finite number > 0"),
    ("price boolean", price("true"), "price", "True", "a finite number > 0"),
    ("price a list", price("[30.0]"), "price", "[30.0]", "a finite number > 0"),
    ("price a date", price("2024-01-31"), "price", "2024", "a finite number > 0"),
    ("price missing", good("price = 30.0\n", ""), "price", "<nothing>", "missing required key: a finite number > 0"),
    ("costs unsorted", costs("[9.0, 3.0]"), f"{FIRST}.costs", "[9.0, 3.0]", ASCENDING),
    ("costs equal", costs("[3.0, 3.0]"), f"{FIRST}.costs", "[3.0, 3.0]", ASCENDING),
    ("cost negative", costs("[-3.0, 9.0]"), f"{FIRST}.costs", "[-3.0, 9.0]", ASCENDING),
    ("cost zero", costs("[0.0, 9.0]"), f"{FIRST}.costs", "[0.0, 9.0]", ASCENDING),
    ("cost NaN", costs("[3.0, nan]"), f"{FIRST}.costs", "[3.0, nan]", ASCENDING),
    ("cost infinite", costs("[3.0, inf]"), f"{FIRST}.costs", "[3.0, inf]", ASCENDING),
    ("cost text", costs('[3.0, "9"]'), f"{FIRST}.costs", "[3.0, '9']", ASCENDING),
    ("cost boolean", costs("[true, 9.0]"), f"{FIRST}.costs", "[True, 9.0]", ASCENDING),
    ("costs empty", costs("[]"), f"{FIRST}.costs", "[]", ASCENDING),
    ("costs a number", costs("3.0"), f"{FIRST}.costs", "3.0", ASCENDING),
    ("costs text", costs('"39"'), f"{FIRST}.costs", "'39'", ASCENDING),
    (
        "costs missing",
        good("costs = [3.0, 9.0]\n", ""),
        f"{FIRST}.costs",
        "<nothing>",
        "missing required key: one or more unit costs",
    ),
    ("probabilities sum to 0.9", probabilities("[0.5, 0.4]"), f"{FIRST}.probabilities", "the sum 0.9", SUM),
    ("probabilities sum to 1 + 1e-8", probabilities("[0.6, 0.40000001]"), f"{FIRST}.probabilities", "1.00000001", SUM),
    ("probability negative", probabilities("[1.2, -0.2]"), f"{FIRST}.probabilities", "[1.2, -0.2]", PROBABILITIES),
    ("probability NaN", probabilities("[nan, 0.4]"), f"{FIRST}.probabilities", "[nan, 0.4]", PROBABILITIES),
    ("probability infinite", probabilities("[inf, 0.4]"), f"{FIRST}.probabilities", "[inf, 0.4]", PROBABILITIES),
    ("probabilities text", probabilities('"even"'), f"{FIRST}.probabilities", "'even'", PROBABILITIES),
    ("probabilities too few", probabilities("[1.0]"), f"{FIRST}.probabilities", "1 probabilities", "there are costs: 2"),
    ("probabilities too many", probabilities("[0.2, 0.4, 0.4]"), f"{FIRST}.probabilities", "3 prob", "there are costs: 2"),
    ("probabilities missing", good(f"{BATTERY}\n", ""), "suppliers[1].probabilities", "<nothing>", "missing required key"),
    ("unknown key", good("price = 30.0", "price = 30.0\ncolour = 1"), "colour", "1", "only the keys kind"),
    ("unknown key in demand", demand(f"{UNIFORM}\nmean = 5"), "demand.mean", "5", "only the keys distribution, low, high"),
    ("unknown key in supplier", good(PANEL, f"{PANEL}\nyields = 0.9"), f"{FIRST}.yields", "0.9", "only the keys name"),
    ("unknown key in prior", f"{GOOD}[prior]\nrho = 0.4\n", "prior.rho", "0.4", "only the keys joint, correlation"),
    ("distribution unknown", demand('distribution = "cauchy"'), "demand.distribution", "'cauchy'", "uniform"),
    ("distribution missing", demand("low = 200\nhigh = 800"), "demand.distribution", "<nothing>", "uniform"),
    ("distribution a list", demand('distribution = ["uniform"]'), "demand.distribution", "['uniform']", "uniform"),
    ("demand a number", good(f"[demand]\n{UNIFORM}", "demand = 500"), "demand", "500", "a table with the key distribution"),
    (
        "demand missing",
        good(f"[demand]\n{UNIFORM}\n", ""),
        "demand",
        "<nothing>",
        "missing required key: a table with the key distribution",
    ),
    ("demand upside down", good("high = 800", "high = 100"), "demand.high", "100", "a finite number above low = 200.0"),
    ("demand without width", good("high = 800", "high = 200"), "demand.high", "200", "a finite number above low = 200.0"),
    ("demand high missing", good("high = 800\n", ""), "demand.high", "<nothing>", "missing required key"),
    ("demand low negative", good("low = 200", "low = -1"), "demand.low", "-1", "a finite number >= 0"),
    ("demand low NaN", good("low = 200", "low = nan"), "demand.low", "nan", "a finite number >= 0"),
    ("demand high infinite", good("high = 800", "high = inf"), "demand.high", "inf", "a finite number > 0"),
    ("mean zero", demand('distribution = "exponential"\nmean = 0.0'), "demand.mean", "0.0", "a finite number > 0"),
    ("values empty", demand('distribution = "empirical"\nvalues = []'), "demand.values", "[]", "one or more finite numbers >= 0"),
    ("value negative", empirical("[-5, 6]", "[0.5, 0.5]"), "demand.values", "[-5, 6]", "one or more finite numbers >= 0"),
    ("weights sum to 0.9", empirical("[5, 6]", "[0.5, 0.4]"), "demand.weights", "0.9", "sum to 1"),
    ("weights negative", empirical("[5, 6]", "[1.5, -0.5]"), "demand.weights", "[1.5, -0.5]", ">= 0"),
    ("weights of another length", empirical("[5, 6]", "[0.5, 0.25, 0.25]"), "demand.weights", "3 weights", "2"),
    ("kind unknown", good('"assembler"', '"retailer"'), "kind", "'retailer'", "assembler"),
    ("kind missing", good('kind = "assembler"\n', ""), "kind", "<nothing>", "assembler"),
    ("file empty", "", "kind", "<nothing>", "assembler"),
    ("suppliers missing", GOOD[: GOOD.index("[[suppliers]]")], "suppliers", "<nothing>", f"missing required key: {TABLES}"),
    ("suppliers none", f"suppliers = []\n{GOOD[: GOOD.index('[[suppliers]]')]}", "suppliers", "[]", TABLES),
    ("suppliers text", f'suppliers = "panel"\n{GOOD[: GOOD.index("[[suppliers]]")]}', "suppliers", "'panel'", TABLES),
    (
        "suppliers one table",
        f"{GOOD[: GOOD.index('[[suppliers]]')]}[suppliers]\nname = 'panel'\n",
        "suppliers",
        "{'name'",
        TABLES,
    ),
    (
        "supplier a name",
        f'suppliers = ["panel"]\n{GOOD[: GOOD.index("[[suppliers]]")]}',
        FIRST,
        "'panel'",
        "a table with the keys",
    ),
    ("names equal", good('"battery"', '"panel"'), "suppliers[1].name", "'panel'", "a name that no other supplier has"),
    ("name empty", good('"panel"', '""'), f"{FIRST}.name", "''", NAME),
    ("name of spaces", good('"panel"', '"  "'), f"{FIRST}.name", "'  '", NAME),
    ("name of two lines", good('"panel"', r'"pa\nnel"'), f"{FIRST}.name", r"'pa\nnel'", NAME),
    ("name a number", good('"panel"', "7"), f"{FIRST}.name", "7", NAME),
    ("name missing", good('name = "panel"\n', ""), f"{FIRST}.name", "<nothing>", "missing required key: the supplier's name"),
    ("joint of wrong shape", joint("[[0.5, 0.25, 0.25], [0, 0, 0]]"), "prior.joint", "(2, 3)", "(2, 2): panel x battery"),
    ("joint too flat", joint("[0.5, 0.5]"), "prior.joint", "(2,)", "(2, 2): panel x battery"),
    ("joint ragged", joint("[[0.5], [0.25, 0.25]]"), "prior.joint", "[[0.5], [0.25, 0.25]]", NESTED),
    ("joint NaN", joint("[[nan, 0.5], [0.25, 0.25]]"), "prior.joint", "[[nan, 0.5]", NESTED),
    ("joint infinite", joint("[[inf, 0.5], [0.25, 0.25]]"), "prior.joint", "[[inf, 0.5]", NESTED),
    ("joint negative", joint("[[1.5, -0.5], [0, 0]]"), "prior.joint", "[[1.5, -0.5]", NESTED),
    ("joint empty", joint("[]"), "prior.joint", "[]", NESTED),
    ("joint a number", joint("1.0"), "prior.joint", "1.0", NESTED),
    ("joint words", joint('[["a", "b"], ["c", "d"]]'), "prior.joint", "[['a', 'b']", NESTED),
    ("joint sums to 0.95", joint("[[0.45, 0.05], [0.05, 0.4]]"), "prior.joint", "the sum 0.95", SUM),
    (
        "joint beside probabilities",
        f"{GOOD}[prior]\njoint = [[0.45, 0.05], [0.05, 0.45]]\n",
        f"{FIRST}.probabilities",
        "(0.6, 0.4)",
        "no probabilities beside prior.joint",
    ),
    (
        "joint and correlation",
        f"{joint('[[0.45, 0.05], [0.05, 0.45]]')}correlation = [[1, 0], [0, 1]]\n",
        "prior",
        "<joint and correlation>",
        "exactly one of joint and correlation",
    ),
    ("neither joint nor correlation", f"{GOOD}[prior]\n", "prior", "<neither", "exactly one of joint and"),
    ("joint of text", joint('[["0.45", "0.05"], ["0.05", "0.45"]]'), "prior.joint", "[['0.45'", "nested lists of finite"),
    ("correlation of booleans", copula("[[true, false], [false, true]]"), "prior.correlation", "[[True, False]", MATRIX),
    (
        "kind a list",
        GOOD.replace('kind = "assembler"', 'kind = ["assembler"]'),
        "kind",
        "['assembler']",
        "one of assembler, allocation",
    ),
    ("price beyond floats", good("price = 30.0", f"price = 1{'0' * 400}"), "price", "1000", "a finite number > 0"),
    (
        "name with two spaces",
        good('name = "panel"', 'name = "flat  panel"'),
        "suppliers[0].name",
        "'flat  panel'",
        "two in a row",
    ),
    ("name with a return", good('name = "panel"', 'name = "flat\\rpanel"'), "suppliers[0].name", "'flat\\rpanel'", "on one line"),
    ("name of a column", good('name = "panel"', 'name = "probability"'), "suppliers[0].name", "'probability'", "contract menu"),
    ("name of another's column", good('name = "panel"', 'name = "rent battery"'), "suppliers[0].name", "'rent battery'", "menu"),
    ("prior a number", good("price = 30.0", "price = 30.0\nprior = 0.4"), "prior", "0.4", "a table with the keys joint"),
    ("correlation not symmetric", copula("[[1, 0.4], [0.3, 1]]"), "prior.correlation", "[[1, 0.4], [0.3, 1]]", MATRIX),
    ("correlation above 1", copula("[[1, 1.5], [1.5, 1]]"), "prior.correlation", "[[1, 1.5], [1.5, 1]]", MATRIX),
    (  # every pair alone is possible, the three together are not: the least eigenvalue is 1 - 2 * 0.9
        "correlation not positive semidefinite",
        good('[[suppliers]]\nname = "panel"', '[[suppliers]]\nname = "case"\ncosts = [2.0]\n[[suppliers]]\nname = "panel"')
        + "[prior]\ncorrelation = [[1, -0.9, -0.9], [-0.9, 1, -0.9], [-0.9, -0.9, 1]]\n",
        "prior.correlation",
        "[[1, -0.9, -0.9]",
        MATRIX,
    ),
    ("correlation diagonal", copula("[[0.9, 0.4], [0.4, 0.9]]"), "prior.correlation", "[[0.9, 0.4]", MATRIX),
    ("correlation NaN", copula("[[1, nan], [nan, 1]]"), "prior.correlation", "[[1, nan]", MATRIX),
    ("correlation ragged", copula("[[1], [0.4, 1]]"), "prior.correlation", "[[1], [0.4, 1]]", MATRIX),
    (
        "correlation of wrong size",
        copula("[[1, 0, 0], [0, 1, 0], [0, 0, 1]]"),
        "prior.correlation",
        "3 rows",
        "one row a supplier, in order: panel x battery",
    ),
    ("not TOML", "price: 30\n", "<file>", "'case.toml'", "text in the TOML format"),
    ("a key twice", good("price = 30.0", "price = 30.0\nprice = 31.0"), "<file>", "'case.toml'", "text in the TOML format"),
]
BAD_SAMPLES = [  # id; the file beside the case (None: there is none); value; allowed
    ("missing", None, "'sample.csv'", "a readable CSV file (No such file or directory)"),
    ("text", b"units\n300\nmany\n", "'many' in row 3 of sample.csv", "one finite number >= 0 a row"),
    ("NaN", b"300\nnan\n", "'nan' in row 2 of sample.csv", "one finite number >= 0 a row"),
    ("NaN first", b"nan\n300\n", "'nan' in row 1 of sample.csv", "one finite number >= 0 a row"),
    ("infinite", b"300\ninf\n", "'inf' in row 2 of sample.csv", "one finite number >= 0 a row"),
    ("negative", b"300\n-5\n", "'-5' in row 2 of sample.csv", "one finite number >= 0 a row"),
    ("negative first", b"-5\n300\n", "'-5' in row 1 of sample.csv", "one finite number >= 0 a row"),
    ("two columns", b"300,400\n", "'300,400' in row 1 of sample.csv", "one finite number >= 0 a row"),
    ("two columns with header", b"week,units\n1,300\n", "'week,units' in row 1 of sample.csv", "one finite number >= 0 a row"),
    ("empty", b"", "no row in sample.csv", "one or more rows"),
    ("header alone", b"units\n", "no row in sample.csv", "one or more rows"),
    ("not UTF-8", b"\xff\xfe3\n", "'sample.csv'", "UTF-8 text in the CSV format"),
]


@pytest.mark.parametrize("text", [GOOD, joint("[[0.45, 0.05], [0.05, 0.45]]"), copula("[[1, 0.4], [0.4, 1]]"), many(2)])
def test_what_the_bad_files_are_made_from_is_good(run: Run, text: str) -> None:
    Path("case.toml").write_text(text, encoding="utf-8")
    status, out, err = run("solve", "case.toml")
    assert (status, err) == (0, "")
    assert "expected profit" in out


@pytest.mark.parametrize(("text", "field", "value", "allowed"), [row[1:] for row in BAD_CASES], ids=[row[0] for row in BAD_CASES])
def test_bad_case_is_refused(run: Run, text: str, field: str, value: str, allowed: str) -> None:
    Path("case.toml").write_text(text, encoding="utf-8")
    refused(run("solve", "case.toml"), "case.toml", field, value, allowed)


@pytest.mark.parametrize(
    ("solver", "count", "allowed"), [("highs", 24, "solver closed_form"), ("closed_form", 40, "mechanism `hybrid`")]
)
def test_too_many_suppliers_are_refused_before_memory_runs_out(run: Run, solver: str, count: int, allowed: str) -> None:
    Path("case.toml").write_text(many(count), encoding="utf-8")
    result = run("solve", "case.toml", "--solver", solver)
    refused(result, None, "suppliers", f"{count} suppliers with {2**count:,} cost profiles", allowed)


@pytest.mark.parametrize(("sample", "value", "allowed"), [row[1:] for row in BAD_SAMPLES], ids=[row[0] for row in BAD_SAMPLES])
def test_bad_sample_of_demand_is_refused(run: Run, sample: bytes | None, value: str, allowed: str) -> None:
    Path("case.toml").write_text(demand(SAMPLE), encoding="utf-8")
    if sample is not None:
        Path("sample.csv").write_bytes(sample)
    refused(run("solve", "case.toml"), "case.toml", "demand.file", value, allowed)


def test_good_sample_with_header_is_taken(run: Run) -> None:
    Path("case.toml").write_text(demand(SAMPLE), encoding="utf-8")
    Path("sample.csv").write_bytes(b"\xef\xbb\xbfunits\r\n300\r\n\r\n500\r\n")
    assert run("solve", "case.toml")[0] == 0


def test_values_beside_a_sample_file_are_refused(run: Run) -> None:
    Path("case.toml").write_text(demand(f"{SAMPLE}\nvalues = [1.0]"), encoding="utf-8")
    refused(run("solve", "case.toml"), "case.toml", "demand.values", "[1.0]", "the values are read from the file")


def test_every_problem_of_a_case_is_told(run: Run) -> None:
    text = price("-1.0").replace("low = 200", "low = -2").replace('"battery"', '""')
    Path("case.toml").write_text(text, encoding="utf-8")
    status, out, err = run("solve", "case.toml")
    assert (status, out) == (2, "")
    told = [line.removeprefix("veridical: ").split(": ")[:2] for line in err.splitlines()]
    assert told == [["case.toml", field] for field in ("price", "demand.low", "suppliers[1].name")]


@pytest.mark.parametrize("command", ["compare", "audit"])
def test_every_command_refuses_a_bad_case(run: Run, command: str) -> None:
    Path("case.toml").write_text(price("nan"), encoding="utf-8")
    Path("menu.csv").write_text(MENU, encoding="utf-8")
    arguments = ["menu.csv"] if command == "audit" else []
    refused(run(command, "case.toml", *arguments), "case.toml", "price", "nan", "a finite number > 0")
