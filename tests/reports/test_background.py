"""What sheets tell of all clients together, read from a book: peers without those who object, rules, and reviews."""

import datetime as dt

import pyarrow as pa
import pytest

from appetence.config import CoverageTarget, ReportSettings
from appetence.months import Month
from appetence.reports.background import briefer_of, read_background
from appetence.reports.language import WORDS, Pen
from appetence.reports.sheet_words import SHEET_WORDS
from appetence.reports.sheets import Sheet
from appetence.reports.situations import read_directory, read_situations

MONTH = Month.parse("2023-12")
D = dt.date
TARGETS = (CoverageTarget(segment="all", families=("savings",)),)


@pytest.fixture
def read(make_book):
    """Return a function that reads forty clients of one age: all hold A, the last twenty B too; two object."""

    def background(**tables):
        ids = [str(n) for n in range(40)]
        rows = {
            "clients": [{"client_id": i, "birth_date": D(1980, 1, 2)} for i in ids],
            "products": [{"product_id": "A", "family": "account"}, {"product_id": "B", "family": "savings"}],
            "contracts": [{"contract_id": f"a{i}", "client_id": i, "product_id": "A"} for i in ids]
            + [{"contract_id": f"b{i}", "client_id": i, "product_id": "B"} for i in ids[20:]],
            "consents": [
                {"client_id": i, "purpose": "profiling", "known_on": D(2024, 5, 1), "granted": False}
                for i in ("1", "39")
            ],
        }
        book = make_book(rows | tables)
        situations = read_situations(book, MONTH, pa.array(ids))
        found = read_background(book, MONTH, situations, read_directory(book), ReportSettings(directory="x"), TARGETS)
        return situations, found

    return background


def test_peers_are_counted_without_those_who_object_by_now_and_the_target_is_the_firms(read):
    situations, background = read()
    peers = background.likeness.of("0")
    assert (peers.count, peers.evidence("B").holders) == (37, 19)
    (gap,) = background.gaps["0"]
    assert (gap.family, gap.is_target, gap.evidence.holders) == ("savings", True, 19)
    assert background.gaps["25"] == ()
    sheet = Sheet(situations["0"], None, 0.1, "low", None, None, None, (), (), (), (), None, peers, (gap,))
    pen = Pen("en", "EUR", {**WORDS, **SHEET_WORDS})
    brief = briefer_of(background, pen, str, MONTH.cut).brief(sheet)
    assert [(one.name, one.share) for one in brief.gaps] == [("Family “savings”", "51%")]
    assert "37 persons, aged 35 to 44" in brief.peers


def test_what_the_firm_records_is_known(read):
    assert read()[1].knows == {"consents"}
    held = {"interaction_id": "1", "client_id": "3", "at": D(2023, 9, 1), "kind": "call"}
    assert read(interactions=[held])[1].knows == {"consents", "contacts"}
    assert read(interactions=[held | {"kind": "review"}])[1].knows == {"consents", "contacts", "reviews"}
    assert read(life_events=[])[1].knows == {"consents", "events"}
