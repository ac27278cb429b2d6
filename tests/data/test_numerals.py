"""Numbers as people write them: read in the one way that there is, and refused where there are two or none."""

import pytest

from veridical.data.sheets.numerals import decimals, numeral


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("12.5", 12.5, None),
        ("12,5", None, 12.5),
        ("1.234", 1.234, 1234.0),  # both ways
        ("1,234", 1234.0, 1.234),
        ("1.234,5", None, 1234.5),
        ("1,234.5", 1234.5, None),
        ("1.234.567", None, 1234567.0),
        ("1 234,5", None, 1234.5),
        ("1'234.50", 1234.5, None),
        ("1\u202f234,5", None, 1234.5),  # a thin space, as in French
        ("0.125", 0.125, None),  # no thousands begin with 0
        ("12.3456", 12.3456, None),
        ("1234", 1234.0, 1234.0),
        (".5", 0.5, None),
        ("-3,5", None, -3.5),
        ("\u22123,5", None, -3.5),  # a minus sign
        ("2.5e3", 2500.0, None),
        ("7e-2", 0.07, 0.07),
    ],
)
def test_what_a_number_may_be(text: str, point: float | None, comma: float | None) -> None:
    found = numeral(text)
    assert found is not None
    assert (found.point, found.comma) == (point, comma)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tbd",
        "about 12",
        "12,50 EUR/pc",
        "1,23,456",
        "1.23.4",
        "12.",
        "1 2",
        "--5",
        "5 5,0",
        "nan",
        "inf",
        "0x10",
        "\u0663",
        "€ 5 $",
    ],
)
def test_what_is_no_number(text: str) -> None:
    assert numeral(text) is None


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("12,50 €", 12.5, "EUR"),
        ("€12,50", 12.5, "EUR"),
        ("EUR 12,50", 12.5, "EUR"),
        ("12,50 USD", 12.5, "USD"),
        ("£ 3,5", 3.5, "GBP"),
    ],
)
def test_signs_of_currencies(text: str, value: float, currency: str) -> None:
    found = numeral(text)
    assert found is not None
    assert (found.value(","), found.currency) == (value, currency)


def test_per_cent_are_hundredths() -> None:
    found = numeral("12,5 %")
    assert found is not None
    assert (found.percent, found.value(",")) == (True, 0.125)


def of(*texts: str) -> tuple[object, ...]:
    """Return how numbers in these texts are written."""
    return tuple(decimals([one for one in map(numeral, texts) if one is not None]))


def test_one_plain_number_says_how_all_are_written() -> None:
    assert of("1.234", "12,5") == (",", None, None)
    assert of("1.234", "12.5") == (".", None, None)
    assert of("12", "500") == ("", None, None)  # there is nothing to be told
    assert of("12", "1.234", "2.000") == ("", 1, None)
    assert of("1.234", "12,5", "3.75") == ("", None, (1, 2))
