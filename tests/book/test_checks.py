from __future__ import annotations

import datetime as dt
import json

import pytest

from appetence.book import open_book
from appetence.book.checks import check_book
from appetence.config import BookSettings
from appetence.errors import BookError

UNTIL = dt.date(2024, 1, 1)
MANY = [{"contract_id": f"k{number:03}", "client_id": f"c{number:03}"} for number in range(100)]
"""Contracts beside a bad one, so that it is less than 5 % of the table."""


def found(book) -> dict[tuple[str, str], tuple[str, int]]:
    return {(f.table, f.check): (f.severity, f.count) for f in check_book(book).findings}


def clients(*ids: str, **columns: object) -> list[dict[str, object]]:
    return [{"client_id": client} | columns for client in ids]


def test_a_sound_book_has_no_findings(make_book):
    report = check_book(make_book({"contracts": MANY, "balances": [{"contract_id": "k001"}]}))
    assert report.findings == ()
    assert report.ok
    assert report.rows == {"clients": 100, "products": 1, "contracts": 100, "balances": 1}
    report.raise_for_errors()


def test_a_duplicated_client_is_an_error_that_names_the_key(make_book):
    book = make_book({"clients": clients("0012", "0012", "0012", "0013"), "contracts": [{"client_id": "0013"}]})
    (finding,) = check_book(book).findings
    assert (finding.check, finding.severity, finding.count, finding.keys) == ("duplicate_key", "error", 2, ("0012",))
    with pytest.raises(BookError, match=r"clients: client_id must name one row: 2 rows \(0012"):
        check_book(book).raise_for_errors()


def test_an_unknown_product_or_client_sets_the_contract_aside_and_its_balances_after_it(make_book):
    bad = [
        {"contract_id": "x", "client_id": "c001", "product_id": "UNKNOWN"},
        {"contract_id": "y", "client_id": "nobody"},
    ]
    months = [dt.date(2021, month, 1) for month in range(1, 13)]
    balances = [{"contract_id": "k001", "month": month} for month in months]
    balances += [{"contract_id": f"k{n:03}"} for n in range(2, 60)] + [{"contract_id": "x", "month": months[0]}]
    book = make_book(
        {
            "clients": clients(*(row["client_id"] for row in MANY)),
            "products": [{"product_id": "P"}],
            "contracts": MANY + bad,
            "balances": balances,
        }
    )
    report = check_book(book)
    assert [(f.table, f.check, f.severity, f.keys) for f in report.findings] == [
        ("contracts", "orphan:client_id", "quarantine", ("y",)),
        ("contracts", "orphan:product_id", "quarantine", ("x",)),
        ("balances", "orphan:contract_id", "quarantine", ("x 2021-01-01",)),
    ]
    assert report.ok
    assert book.execute(book.table("contracts").count()).as_py() == 100
    assert "x" not in book.execute(book.table("contracts")).column("contract_id").to_pylist()
    assert book.execute(book.table("balances").count()).as_py() == len(balances) - 1
    assert book.quarantined().to_pylist() == [
        {"table_name": "balances", "key": ["x", "2021-01-01"], "check_name": "orphan:contract_id"},
        {"table_name": "contracts", "key": ["x"], "check_name": "orphan:product_id"},
        {"table_name": "contracts", "key": ["y"], "check_name": "orphan:client_id"},
    ]


def test_checking_again_finds_the_same(make_book):
    bad = {"contract_id": "x", "closed_on": dt.date(2019, 12, 31), "client_id": "c001"}
    book = make_book({"contracts": [*MANY, bad]})
    first = check_book(book)
    assert check_book(book) == first
    assert [(f.check, f.severity, f.count) for f in first.findings] == [
        ("closed_before_opened", "quarantine", 1),
        ("overlapping", "warning", 1),
    ]
    assert book.quarantined().num_rows == 1


def test_a_row_with_two_faults_is_set_aside_once_and_told_twice(make_book):
    bad = {"contract_id": "x", "product_id": "UNKNOWN", "client_id": "c001", "closed_on": dt.date(2019, 12, 31)}
    book = make_book({"contracts": [*MANY, bad], "products": [{"product_id": "P"}]})
    check_book(book)
    assert book.execute(book.table("contracts").count()).as_py() == 100
    assert [row["check_name"] for row in book.quarantined().to_pylist()] == [
        "closed_before_opened",
        "orphan:product_id",
    ]


@pytest.mark.parametrize(("bad", "ok"), [(5, True), (6, False)])
def test_more_than_a_twentieth_set_aside_is_an_error(make_book, bad, ok):
    rows = [row | ({"closed_on": dt.date(2019, 12, 31)} if n < bad else {}) for n, row in enumerate(MANY)]
    report = check_book(make_book({"contracts": rows}))
    assert report.ok == ok
    assert [f.check for f in report.of("error")] == ([] if ok else ["too_many_set_aside"])


YEARS_AGO = dt.date(2019, 1, 1)
P = {"product_id": "P"}
RATE = P | {"annual_margin": 0.1, "margin_kind": "rate"}
WITHDRAWN = P | {"launched_on": UNTIL, "withdrawn_on": YEARS_AGO}
OFFER = P | {"client_id": "1"}

ERRORS = {
    "clients missing:kind": {"clients": clients("1", kind=None)},
    "clients missing:client_id": {"clients": [*clients("1"), *clients("")]},
    "clients unknown_code:kind": {"clients": clients("1", kind="human")},
    "contracts empty": {"contracts": [], "clients": clients("1"), "products": [P]},
    "products not_finite:annual_margin": {"products": [P | {"annual_margin": float("inf")}]},
    "products out_of_range:acquisition_cost": {"products": [P | {"acquisition_cost": -1}]},
    "balances not_first_day:month": {"balances": [{"contract_id": "1", "month": dt.date(2021, 1, 31)}]},
}
QUARANTINES = {
    "interactions out_of_range:nps": {"interactions": [{"client_id": "1", "nps": 11}]},
    "client_facts out_of_range:children": {"client_facts": [{"client_id": "1", "children": -1}]},
    "consents orphan:client_id": {"consents": [{"client_id": "2"}]},
    "defaults orphan:contract_id": {"defaults": [{"contract_id": "2"}]},
    "offers to_nobody": {"offers": [P]},
}
WARNINGS = {
    "clients orphan:referred_by": {"clients": clients("1", referred_by="9")},
    "clients orphan:advisor_id": {"clients": clients("1", advisor_id="9"), "advisors": [{}]},
    "clients impossible_birth": {"clients": clients("1", birth_date=dt.date(2019, 1, 2))},
    "contracts opened_before_joined": {"clients": clients("1", joined_on=dt.date(2020, 1, 2))},
    "interactions future:at": {"interactions": [{"client_id": "1", "at": UNTIL}]},
    "contracts future:opened_on": {"contracts": [{"opened_on": UNTIL}]},
    "interactions known_before:at": {"interactions": [{"client_id": "1", "known_on": YEARS_AGO}]},
    "contracts ends_before_opened": {"contracts": [{"ends_on": YEARS_AGO}]},
    "contracts reason_without_closing": {"contracts": [{"close_reason": "left"}]},
    "contracts overlapping": {"contracts": [{}, {}]},
    "products rate_above_one": {"products": [RATE | {"annual_margin": 1.5}], "balances": [{"contract_id": "1"}]},
    "products rate_without_balances": {"products": [RATE]},
    "products withdrawn_before_launched": {"products": [WITHDRAWN]},
    "offers outcome_before_offer": {"offers": [OFFER | {"outcome_on": YEARS_AGO}]},
}


@pytest.mark.parametrize(
    ("severity", "place", "tables"),
    [
        pytest.param(severity, place, tables, id=place)
        for severity, faults in (("error", ERRORS), ("quarantine", QUARANTINES), ("warning", WARNINGS))
        for place, tables in faults.items()
    ],
)
def test_each_check_finds_its_fault_and_no_other(make_book, severity, place, tables):
    report = found(make_book(tables))
    assert report.pop(tuple(place.split(" "))) == (severity, 0 if "empty" in place else 1)
    assert set(report) <= ({(place.split(" ")[0], "too_many_set_aside")} if severity == "quarantine" else set())


def test_a_person_of_more_than_120_years_is_impossible(make_book):
    born = [dt.date(1904, 1, 1), dt.date(1903, 12, 31)]
    rows = [{"client_id": str(n), "birth_date": day} for n, day in enumerate(born)]
    (finding,) = check_book(make_book({"clients": rows, "contracts": [{"client_id": "0"}]})).findings
    assert (finding.check, finding.keys) == ("impossible_birth", ("1",))


@pytest.mark.parametrize(
    "contracts",
    [
        [{"closed_on": dt.date(2021, 1, 1)}, {"opened_on": dt.date(2021, 1, 1)}],  # one follows on the other
        [{"product_id": "P"}, {"product_id": "Q"}],
        [{"client_id": "1"}, {"client_id": "2"}],
        [{"closed_on": dt.date(2020, 1, 1)}],  # cancelled on the day
        [{"closed_on": dt.date(2025, 1, 1), "closing_known_on": dt.date(2023, 1, 1)}],  # notice given
        [{"ends_on": dt.date(2050, 1, 1)}],
    ],
)
def test_what_is_right_is_not_found(make_book, contracts):
    assert found(make_book({"contracts": contracts})) == {}


def test_a_reference_to_a_table_that_the_firm_leaves_out_is_not_checked(make_book):
    assert found(make_book({"clients": clients("1", advisor_id="A"), "contracts": [{"client_id": "1"}]})) == {}


def test_five_keys_at_most_and_no_codes_or_values_among_them(make_book):
    events = [
        {"client_id": f"{n}", "kind": "divorce", "occurred_on": dt.date(2021, 1, n), "known_on": dt.date(2020, 1, 1)}
        for n in range(1, 10)
    ]
    book = make_book({"clients": clients(*"123456789"), "life_events": events, "contracts": [{"client_id": "1"}]})
    (finding,) = check_book(book).findings
    assert finding.count == 9
    assert finding.keys == tuple(f"{n} 2021-01-0{n}" for n in range(1, 6))
    assert "divorce" not in str(finding)


def test_the_report_is_json_in_a_fixed_order_errors_first(make_book):
    tables = {
        "contracts": [
            {"contract_id": "a", "client_id": "1"},
            {"contract_id": "b", "client_id": "2", "product_id": "X"},
        ],
        "clients": clients("1", "1", referred_by="7"),
        "products": [{"product_id": "P"}],
    }
    first, second = (check_book(make_book(tables)).to_json() for _ in range(2))
    assert json.dumps(first) == json.dumps(second)
    assert not first["ok"]
    severities = [finding["severity"] for finding in first["findings"]]
    assert severities == sorted(severities, key=["error", "quarantine", "warning"].index)
    assert first["findings"][0] == {
        "table": "clients",
        "check": "duplicate_key",
        "severity": "error",
        "count": 1,
        "keys": ["1"],
        "message": "client_id must name one row",
        "hint": "Remove doubles in the view, with DISTINCT or QUALIFY row_number() OVER (…) = 1",
    }


def test_rows_set_aside_leave_the_fingerprint(make_book):
    bad = {"contract_id": "x", "closed_on": dt.date(2019, 12, 31), "client_id": "c001"}
    book, clean = (
        make_book({"contracts": [*MANY, bad]}),
        make_book({"contracts": [row | {"closed_on": None} for row in MANY]}),
    )
    check_book(book)
    assert book.fingerprint(UNTIL) == clean.fingerprint(UNTIL)


def test_a_latin_1_file_with_semicolons_and_decimal_commas_is_checked_like_any_other(tmp_path):
    (tmp_path / "clients.csv").write_text(
        "n°;depuis;revenu\n01;01.02.2020;1 234,50\n01;01.02.2020;99,00\n", encoding="latin-1"
    )
    settings = BookSettings(
        observed_from=dt.date(2019, 1, 1),
        observed_until=UNTIL,
        sources={
            "people": {"format": "csv", "path": str(tmp_path / "clients.csv"), "encoding": "latin-1", "delimiter": ";",
                       "decimal": ",", "thousands": " ", "date_format": "%d.%m.%Y",
                       "columns": {"depuis": "date", "revenu": "number"}}
        },
        views={
            "clients": """SELECT "n°" AS client_id, 'person' AS kind, depuis AS joined_on FROM people""",
            "client_facts": """SELECT "n°" AS client_id, depuis AS known_on, revenu AS income FROM people""",
            "products": """SELECT 'P' AS product_id, 'P' AS label_en, 'P' AS label_fr, 'savings' AS family,
                           1 AS annual_margin, 'amount' AS margin_kind""",
            "contracts": """SELECT DISTINCT "n°" AS contract_id, "n°" AS client_id, 'P' AS product_id,
                            depuis AS opened_on FROM people""",
        },
    )  # fmt: skip
    with open_book(settings) as book:
        assert found(book) == {
            ("clients", "duplicate_key"): ("error", 1),
            ("client_facts", "duplicate_key"): ("error", 1),
        }
