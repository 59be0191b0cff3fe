from __future__ import annotations

from dataclasses import replace

import numpy as np

from appetence.models.leaks.households import detect


def test_the_split_of_training_is_clear(material):
    found = detect(material)
    assert found.state == "clear"
    assert found.figure == 0.0


def test_members_dealt_to_both_sides_are_found(clean, gathered):
    def by_client(material):
        sides = np.random.default_rng(1).random(int(material.snapshots.client.max()) + 1) < 0.25
        snapshots = replace(material.snapshots, held_out=sides[material.snapshots.client])
        labelled = {q: replace(one, snapshots=snapshots) for q, one in material.labelled.items()}
        return detect(replace(material, snapshots=snapshots, labelled=labelled))

    found = gathered(clean, by_client)
    assert found.state == "finding"
    assert "household in fit and calibration" in found.names[0]
    assert not any("client in" in name for name in found.names)


def test_folds_that_forget_households_are_found(clean, gathered):
    def alone(material):
        snapshots = replace(material.snapshots, household=material.snapshots.client)
        labelled = {q: replace(one, snapshots=snapshots) for q, one in material.labelled.items()}
        return detect(replace(material, snapshots=snapshots, labelled=labelled))

    assert any("household in both sides of a fold" in name for name in gathered(clean, alone).names)


def test_ids_that_differ_in_blanks_only_are_a_note(planted, gathered):
    def padded(frame):
        some = frame["household_id"].notna() & (frame.index % 3 == 0)
        return frame.assign(household_id=frame["household_id"].where(~some, frame["household_id"] + " "))

    found = gathered(planted(clients=padded), detect)
    assert found.state == "note"
    assert "case or blanks" in found.notes[0]
    assert found.figure == 0.0
