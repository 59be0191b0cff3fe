from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from appetence.features.pipeline import FeatureTable
from appetence.features.tenure import FEATURES
from appetence.models.dataset import Snapshots, label_attrition, label_erosion, label_purchase, make_snapshots

JANUARY, JULY = dt.date(2023, 1, 1), dt.date(2023, 7, 1)


def snapshots(share: float = 0.25) -> Snapshots:
    data = pa.table(
        {
            "client_id": ["1", "1", "2", "3", "4"],
            "cut": pa.array([JANUARY, JULY, JANUARY, JANUARY, JULY], pa.date32()),
            "tenure": [1.0, 7.0, 20.0, None, 40.0],
        }
    )
    clients = pa.table(
        {"client_id": ["4", "3", "2", "1"], "household_id": pa.array([None, "2", None, "2"], pa.string())}
    )
    return make_snapshots(FeatureTable(data, FEATURES[:1]), clients, share, seed=7)


def attrition(**status: str) -> pa.Table:
    rows = [(name[1], JANUARY if name[2] == "a" else JULY, value) for name, value in status.items()]
    client, cut, value = zip(*rows, strict=True)
    return pa.table({"client_id": list(client), "cut": pa.array(cut, pa.date32()), "status": list(value)})


def test_households_are_told_apart_from_clients_of_the_same_id():
    found = snapshots()
    # clients 1 and 3 live in household "2"; client "2" and client "4" belong to none
    first, again, second, third, fourth = found.household
    assert first == again == third
    assert len({first, second, fourth}) == 3
    assert found.client[0] == found.client[1] != found.client[2]


def test_a_household_is_held_out_as_a_whole():
    for share in (0.1, 0.3, 0.45):
        found = snapshots(share)
        assert found.held_out[0] == found.held_out[1] == found.held_out[3]


def test_competing_exits_are_no_attrition_and_unanswered_rows_are_left_out():
    targets = attrition(c4b="insurer", c1a="stayed", c2a="left", c1b="unknown", c3a="death")
    found = label_attrition(snapshots(), targets)
    assert found.rows.tolist() == [0, 2, 3, 4]
    assert found.y.tolist() == [0, 1, 0, 0]
    gone = label_attrition(snapshots(), attrition(c1a="gone", c2a="term"))
    assert (gone.rows.tolist(), gone.y.tolist()) == ([2], [0])


def test_purchases_of_rows_that_were_not_asked_for_are_left_out():
    targets = attrition(c1a="bought", c9a="bought", c2a="not_bought", c3a="already", c4b="unknown")
    found = label_purchase(snapshots(), targets)
    assert (found.rows.tolist(), found.y.tolist()) == ([0, 2], [1, 0])


def test_blocks_select_by_cut_and_by_side():
    found = label_attrition(snapshots(), attrition(c1a="left", c1b="left", c2a="stayed", c3a="stayed", c4b="stayed"))
    assert found.block([JULY]).rows.tolist() == [1, 4]
    assert found.block([JANUARY, JULY]).rows.tolist() == [0, 1, 2, 3, 4]
    assert len(found.block([])) == 0
    kept, used = found.block([JANUARY, JULY], True), found.block([JANUARY, JULY], False)
    assert sorted([*kept.rows, *used.rows]) == [0, 1, 2, 3, 4]
    assert not set(kept.household) & set(used.household)


def test_a_client_who_leaves_is_one_event_however_many_cuts_see_it():
    found = label_attrition(snapshots(), attrition(c1a="left", c1b="left", c2a="stayed", c4b="left"))
    assert found.events == 2
    assert found.has_both_classes
    assert not found.block([JULY]).has_both_classes
    np.testing.assert_array_equal(found.X["tenure"], [1.0, 7.0, 20.0, 40.0])
    assert found.X.index.tolist() == [0, 1, 2, 3]


def test_rows_without_targets_of_the_right_columns_are_an_error():
    with pytest.raises(KeyError):
        label_attrition(snapshots(), pa.table({"client_id": ["1"], "cut": pa.array([JANUARY], pa.date32())}))


def test_who_leaves_or_had_little_is_not_eroded_and_no_more_is_lost_than_there_was():
    targets = attrition(c1a="eroded", c1b="left", c2a="kept", c3a="too_small", c4b="eroded")
    outflow = pa.array([300.0, None, -50.0, None, 7_000.0])
    targets = targets.append_column("base", pa.array([1000.0, 2000.0, 3000.0, 10.0, 4000.0]))
    found = label_erosion(snapshots(), targets.append_column("outflow", outflow))
    assert found.rows.tolist() == [0, 1, 2, 4]
    assert found.y.tolist() == [1, 0, 0, 1]
    assert found.amounts.base.tolist() == [1000.0, 2000.0, 3000.0, 4000.0]
    assert found.amounts.lost.tolist() == [300.0, 0.0, 0.0, 4000.0]
    part = found.block([JULY])
    assert (part.amounts.base.tolist(), part.amounts.lost.tolist()) == ([2000.0, 4000.0], [0.0, 4000.0])
