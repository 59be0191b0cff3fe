from __future__ import annotations

import numpy as np
import pandas as pd

from appetence.models.leaks.identifiers import detect

CLIENT_COLUMNS = {
    "clients": ["client_id", "referred_by"],
    "contracts": ["client_id"],
    "client_facts": ["client_id"],
    "protected": ["client_id"],
    "consents": ["client_id"],
    "interactions": ["client_id"],
    "life_events": ["client_id"],
    "offers": ["client_id"],
    "prospects": ["became_client_id"],
}


def renamed(ids: pd.Series) -> dict[str, object]:
    """Return changes that give clients other ids in all tables; `ids` is indexed by the old ones."""

    def change(columns):
        return lambda frame: frame.assign(**{c: frame[c].map(ids).where(frame[c].notna(), None) for c in columns})

    return {table: change(columns) for table, columns in CLIENT_COLUMNS.items()}


def test_a_book_without_leaks_is_clear(material):
    assert detect(material).names == ()


def test_ids_in_the_order_of_joining_are_no_leak(planted, gathered, clean):
    joined = pd.read_parquet(clean / "clients.parquet").sort_values(["joined_on", "client_id"])
    ids = pd.Series([f"{place:06d}" for place in range(len(joined))], index=joined["client_id"])
    assert gathered(planted(**renamed(ids)), detect).state != "finding"


def test_ids_given_anew_to_those_who_left_are_found(planted, gathered, left):
    ids = pd.Series(np.where(left, "X" + left.index, left.index), index=left.index)
    found = gathered(planted(**renamed(ids)), detect)
    assert found.state == "finding"
    assert {name.split(" for ")[0] for name in found.names} >= {
        "order of clients.client_id",
        "length of clients.client_id",
        "first characters of clients.client_id",
    }


def test_rows_of_those_who_left_at_the_end_are_found(planted, gathered, left):
    def at_the_end(frame):
        return frame.iloc[np.argsort(frame["client_id"].map(left).to_numpy(), kind="stable")]

    found = gathered(planted(clients=at_the_end), detect)
    assert [name.split(" for ")[0] for name in found.names] == ["order of rows in clients"]


def test_a_column_filled_for_those_who_left_is_found(planted, gathered, left):
    def filled(frame):
        some = frame["client_id"].map(left) & (np.random.default_rng(2).random(len(frame)) < 0.8)
        return frame.assign(source=np.where(some, "exit survey", None))

    found = gathered(planted(clients=filled), detect)
    assert [name.split(" for ")[0] for name in found.names] == ["blanks of clients.source"]
