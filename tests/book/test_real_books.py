"""The two real books, mapped by the configs that the project ships, against plain Python over the same files."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import os
from collections import Counter
from pathlib import Path

import pytest

from appetence.book import Book, open_book
from appetence.book.checks import check_book
from appetence.config import load_config

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("APPETENCE_DATA") or ROOT.parent / "shared" / "data").resolve()


def opened(name: str) -> Book:
    if not (DATA / name).is_dir():
        reason = f"the public data of {name} is not in ../shared/data nor below $APPETENCE_DATA"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return open_book(load_config(ROOT / "configs" / f"{name}.yaml", {"APPETENCE_DATA": str(DATA)}).book)


@pytest.fixture(scope="module")
def savings():
    with opened("eu_savings") as book:
        yield book


@pytest.fixture(scope="module")
def berka():
    with opened("berka") as book:
        yield book


@pytest.fixture(scope="module")
def policies(savings):
    with gzip.open(DATA / "eu_savings" / "policies.csv.gz", "rt", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def table_of_berka(name: str) -> list[dict[str, str]]:
    with (DATA / "berka" / f"{name}.asc").open(encoding="ascii") as stream:
        return list(csv.DictReader(stream, delimiter=";"))


def rows(book: Book, table: str) -> list[dict[str, object]]:
    return book.execute(book.table(table)).to_pylist()


@pytest.mark.parametrize("name", ["savings", "berka"])
def test_both_books_pass_their_checks_without_a_warning(name, request):
    report = check_book(request.getfixturevalue(name))
    assert [str(finding) for finding in report.findings] == []


def test_savings_surrenders_leave_claims_are_deaths_and_the_censoring_date_is_no_closing(savings, policies):
    expected = {
        (
            policy["policy.ID"],
            dt.date.fromisoformat(policy["issue.date"]),
            None if policy["lapse.reason"] == "In force" else dt.date.fromisoformat(policy["termination.date"]),
            {"In force": None, "Surrender": "left", "Claim": "death"}[policy["lapse.reason"]],
        )
        for policy in policies
    }
    contracts = rows(savings, "contracts")
    assert {(c["contract_id"], c["opened_on"], c["closed_on"], c["close_reason"]) for c in contracts} == expected
    assert Counter(c["close_reason"] for c in contracts) == {None: 13_880, "left": 7_846, "death": 195}
    assert len(rows(savings, "products")) == 1
    assert (savings.observed_from, savings.observed_until) == (dt.date(1999, 1, 1), dt.date(2008, 1, 1))


def test_savings_facts_of_the_issue_are_known_from_the_issue_on(savings, policies):
    facts = {fact["client_id"]: fact for fact in rows(savings, "client_facts")}
    assert len(facts) == len(policies) == 21_921
    for policy in policies:
        fact = facts[policy["policy.ID"]]
        assert fact["known_on"] == dt.date.fromisoformat(policy["issue.date"])
        assert fact["underwriting_age"] == float(policy["underwriting.age"])
        assert fact["saving_premium"] == float(policy["saving.premium"])
    assert not savings.has("balances")
    assert "gender" not in fact


def test_savings_at_a_cut_hold_what_was_issued_before_and_terminated_at_or_after(savings, policies):
    cut = "2005-07-01"
    in_force = {p["policy.ID"] for p in policies if p["issue.date"] < cut <= p["termination.date"]}
    known = savings.execute(savings.as_known("contracts", dt.date.fromisoformat(cut))).to_pylist()
    assert {c["contract_id"] for c in known if c["closed_on"] is None} == in_force


def nineteen(yymmdd: str) -> dt.date:
    return dt.date(1900 + int(yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:6]))


def months_later(day: dt.date, months: int) -> dt.date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in range(day.day, 27, -1):
        try:
            return dt.date(year, month + 1, last)
        except ValueError:
            continue
    return dt.date(year, month + 1, day.day)


def test_berka_persons_with_birth_dates_gender_and_households(berka):
    account = {row["account_id"]: nineteen(row["date"]) for row in table_of_berka("account")}
    of = {row["client_id"]: row["account_id"] for row in table_of_berka("disp")}
    clients = {row["client_id"]: row for row in rows(berka, "clients")}
    gender = {row["client_id"]: row["gender"] for row in rows(berka, "protected")}
    people = table_of_berka("client")
    assert len(clients) == len(people) == 5_369
    for person in people:
        number, client = person["birth_number"], clients[person["client_id"]]
        woman = int(number[2:4]) > 50
        assert gender[person["client_id"]] == ("female" if woman else "male")
        assert client["birth_date"] == dt.date(1900 + int(number[:2]), int(number[2:4]) - 50 * woman, int(number[4:]))
        assert client["household_id"] == of[person["client_id"]]
        assert client["joined_on"] == account[of[person["client_id"]]]


def test_berka_contracts_are_accounts_cards_and_loans(berka):
    disp = table_of_berka("disp")
    owner = {row["account_id"]: row["client_id"] for row in disp if row["type"] == "OWNER"}
    holder = {row["disp_id"]: row["client_id"] for row in disp}
    expected = {
        (f"account-{row['account_id']}", owner[row["account_id"]], "account", nineteen(row["date"]), None)
        for row in table_of_berka("account")
    }
    expected |= {
        (f"card-{row['card_id']}", holder[row["disp_id"]], "card", nineteen(row["issued"]), None)
        for row in table_of_berka("card")
    }
    for loan in table_of_berka("loan"):
        start = nineteen(loan["date"])
        end = months_later(start, int(loan["duration"]))
        closed = end if end < dt.date(1999, 1, 1) else None
        expected.add((f"loan-{loan['loan_id']}", owner[loan["account_id"]], "loan", start, closed))
        assert (loan["status"] in "AB") == (closed is not None)
    contracts = rows(berka, "contracts")
    columns = ("contract_id", "client_id", "product_id", "opened_on", "closed_on")
    assert {tuple(c[name] for name in columns) for c in contracts} == expected
    assert len(contracts) == len(expected) == 4_500 + 892 + 682
    assert {c["close_reason"] for c in contracts if c["closed_on"]} == {"term"}


def test_berka_defaults_are_known_at_the_term_or_the_last_day_and_not_before(berka):
    status = {f"loan-{loan['loan_id']}": loan["status"] for loan in table_of_berka("loan")}
    ends = {c["contract_id"]: c["ends_on"] for c in rows(berka, "contracts")}
    defaults = {d["contract_id"]: d["defaulted_on"] for d in rows(berka, "defaults")}
    assert set(defaults) == {loan for loan, letter in status.items() if letter in "BD"}
    for loan, day in defaults.items():
        assert day == (ends[loan] if status[loan] == "B" else dt.date(1998, 12, 31))


def test_berka_district_figures_are_unknown_before_they_were_collected_and_orders_are_not_mapped(berka):
    facts = rows(berka, "client_facts")
    figures = [name for name in facts[0] if name.startswith("district_")]
    assert len(figures) == 4
    for fact in facts:
        early = fact["known_on"] < dt.date(1997, 1, 1)
        assert fact["region"] is not None
        assert all((fact[name] is None) == early for name in figures)
    assert not any(
        kind in contract["contract_id"] for contract in rows(berka, "contracts") for kind in ("order", "UVER")
    )


@pytest.mark.parametrize(("name", "cut"), [("savings", dt.date(2004, 1, 1)), ("berka", dt.date(1997, 1, 1))])
def test_an_old_fingerprint_ignores_what_the_files_say_of_later(name, cut, request, tmp_path):
    book = request.getfixturevalue(name)
    key = {"savings": ("eu_savings", "policies.csv.gz"), "berka": ("berka", "loan.asc")}[name]
    data = tmp_path / key[0]
    data.mkdir()
    for path in (DATA / key[0]).iterdir():
        (data / path.name).symlink_to(path)
    (data / key[1]).unlink()
    if name == "savings":
        with gzip.open(DATA / key[0] / key[1], "rt") as stream:
            lines = stream.readlines()
        kept = [line for line in lines if line.split(",")[1] < cut.isoformat() or line == lines[0]]
        with gzip.open(data / key[1], "wt") as stream:
            stream.writelines(kept)
    else:
        lines = (DATA / key[0] / key[1]).read_text().splitlines(keepends=True)
        kept = [line for line in lines if line == lines[0] or nineteen(line.split(";")[2]) < cut]
        (data / key[1]).write_text("".join(kept))
    assert 1 < len(kept) < len(lines)
    config = load_config(ROOT / "configs" / f"{key[0]}.yaml", {"APPETENCE_DATA": str(tmp_path)})
    with open_book(config.book) as less:
        assert less.fingerprint(cut) == book.fingerprint(cut)
        assert less.fingerprint(book.observed_until) != book.fingerprint(book.observed_until)
