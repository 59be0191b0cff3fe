from __future__ import annotations

from pathlib import Path

import pytest

from appetence.book import open_book
from appetence.config import BookSettings, FeatureSettings
from appetence.features import population as honest
from appetence.models.leaks import time_travel
from appetence.models.leaks.time_travel import POPULATION, travel

OWN = """
from appetence.features.asof import KEY
from appetence.features.catalogue import Feature, Unit, Wording
from appetence.features.expressions import count_where

TOLD = Wording("Told", "Told {value}")
NAMES = ("closed_ever", "closed_before", "referred_ever", "referred_before", "settled_ever")
FEATURES = tuple(Feature(name, "own_facts", "profile", Unit.COUNT, TOLD, TOLD) for name in NAMES)


def build(known):
    spine = known.spine
    contracts = known.book.table("contracts").select("client_id", "closed_on", "closing_known_on")
    contracts = contracts.mutate(told=contracts.closing_known_on.coalesce(contracts.closed_on))
    rows = spine.left_join(contracts, "client_id")
    closed = rows.group_by("row").agg(
        closed_ever=count_where(rows.closed_on.notnull()), closed_before=count_where(rows.told < rows.cut)
    )
    others = known.book.table("clients").select("referred_by", "joined_on")
    rows = spine.left_join(others, spine.client_id == others.referred_by)
    referred = rows.group_by("row").agg(
        referred_ever=count_where(rows.joined_on.notnull()), referred_before=count_where(rows.joined_on < rows.cut)
    )
    contacts = known.book.table("interactions").select("client_id", "at", "outcome")
    rows = spine.left_join(contacts, ["client_id"])
    settled = rows.group_by("row").agg(settled_ever=count_where((rows["at"] < rows.cut) & (rows.outcome == "settled")))
    built = spine.left_join(closed, "row").drop("row_right").left_join(referred, "row").drop("row_right")
    return built.left_join(settled, "row").select(*KEY, *NAMES)
"""


@pytest.fixture
def own_group(tmp_path: Path) -> str:
    """A firm's own group that reads the book unguarded, and also as it should."""
    path = tmp_path / "own_facts.py"
    path.write_text(OWN, encoding="utf-8")
    return str(path)


def test_the_features_of_the_package_do_not_change(clean):
    with open_book(BookSettings(directory=str(clean))) as book:
        found = travel(book, FeatureSettings(groups=("tenure", "household")), seed=1, cuts=1)
    assert found.state == "clear"
    assert found.figure == 0.0


def test_a_firms_own_unguarded_features_are_named_and_its_guarded_ones_are_not(clean, own_group):
    with open_book(BookSettings(directory=str(clean))) as book:
        found = travel(book, FeatureSettings(groups=("calendar",), own=(own_group,)), seed=1, cuts=2)
    assert found.state == "finding"
    assert set(found.names) == {"closed_ever", "referred_ever", "settled_ever"}
    assert found.figure > 100
    assert any(note.startswith("closed_ever: other in ") and "2022-01-01" in note for note in found.notes)


def test_what_is_not_the_same_twice_is_a_note(clean, tmp_path):
    text = OWN.replace('"settled_ever")', '"settled_ever", "by_chance")').replace(
        "*KEY, *NAMES", "*KEY, *NAMES[:-1], by_chance=ibis.random()"
    )
    (tmp_path / "own_facts.py").write_text("import ibis\n" + text, encoding="utf-8")
    with open_book(BookSettings(directory=str(clean))) as book:
        found = travel(book, FeatureSettings(groups=(), own=(str(tmp_path / "own_facts.py"),)), seed=1, cuts=1)
    assert "by_chance" not in found.names
    assert found.notes[0].startswith("by_chance: not the same")


def test_a_population_that_knows_who_closes_later_is_found(clean, monkeypatch):
    def only_who_stay(book, cuts):
        contracts = book.table("contracts")
        stayed = book.execute(contracts.filter(contracts.closed_on.isnull()).select("client_id").distinct())
        rows = honest.population(book, cuts).to_pandas()
        kept = rows[rows["client_id"].isin(stayed["client_id"].to_pylist())]
        return honest.SPINE.empty_table().from_pandas(kept, honest.SPINE, preserve_index=False)

    monkeypatch.setattr(time_travel, "population", only_who_stay)
    with open_book(BookSettings(directory=str(clean))) as book:
        found = travel(book, FeatureSettings(groups=("calendar",)), seed=1, cuts=1)
    assert found.names == (POPULATION,)
