import datetime as dt

from appetence.scoring.consents import objecting_clients

EARLY, LATE = dt.date(2021, 1, 1), dt.date(2022, 1, 1)


def consent(client, granted, known_on=EARLY, purpose="profiling"):
    return {"client_id": client, "granted": granted, "known_on": known_on, "purpose": purpose}


def test_the_newest_word_on_profiling_counts(make_book):
    book = make_book(
        {
            "contracts": [{"client_id": c, "contract_id": c} for c in "abcde"],
            "consents": [
                consent("a", False),
                consent("b", False),
                consent("b", True, LATE),
                consent("c", True),
                consent("c", False, LATE),
                consent("d", False, purpose="phone"),
            ],
        }
    )
    assert objecting_clients(book) == {"a", "c"}


def test_any_of_several_purposes_counts_by_its_own_newest_word(make_book):
    book = make_book(
        {
            "contracts": [{"client_id": c, "contract_id": c} for c in "abcd"],
            "consents": [
                consent("a", False, purpose="marketing"),
                consent("b", False),
                consent("b", True, LATE, purpose="marketing"),
                consent("c", False, purpose="marketing"),
                consent("c", True, LATE, purpose="marketing"),
                consent("d", False, purpose="phone"),
            ],
        }
    )
    assert objecting_clients(book, ("profiling", "marketing")) == {"a", "b"}


def test_a_book_without_consents_has_no_objection(make_book):
    assert objecting_clients(make_book()) == frozenset()
