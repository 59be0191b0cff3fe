import pyarrow as pa

from appetence.value.segment_changes import SEGMENT_CHANGES, segment_changes
from appetence.value.segments import client_segments


def facts(**columns):
    rows = len(next(iter(columns.values())))
    return pa.table({"client_id": [str(n) for n in range(rows)], **columns})


def plain(text):
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_a_move_is_told_with_the_criterion_its_old_and_new_value_and_the_threshold(kronos):
    rules = kronos.model_copy(update={"confirm": 1})
    before = client_segments(rules, facts(assets=[180e3, 180e3, 500e3], referrals_12m=[0, 0, 0]))
    now = client_segments(rules, facts(assets=[212e3, 180e3, 120e3], referrals_12m=[0, 0, 0]), before)
    found = segment_changes(rules, before, now, "EUR")
    assert found.schema == SEGMENT_CHANGES
    up, down = found.to_pylist()
    assert (up["segment_from"], up["segment_to"], up["criterion"]) == ("C", "B", "assets")
    assert (up["value_from"], up["value_to"]) == ("180000", "212000")
    assert up["text_en"] == (
        "Moved from C to B: assets held with us went from €180,000 to €212,000 (threshold: at least €200,000)"
    )
    assert plain(up["text_fr"]) == (
        "Passage de C à B – encours confiés : 180 000 € auparavant, 212 000 € désormais (seuil : au moins 200 000 €)"
    )
    assert (down["client_id"], down["segment_to"]) == ("2", "C")
    assert "€500,000 to €120,000 (threshold: more than €400,000)" in down["text_en"]


def test_the_old_value_is_that_of_the_month_before_the_move_was_pending(kronos):
    months = [client_segments(kronos, facts(assets=[180e3]))]
    for assets in (230e3, 240e3):
        months.append(client_segments(kronos, facts(assets=[assets]), months[-1]))
    assert len(segment_changes(kronos, months[0], months[1], "EUR")) == 0
    (moved,) = segment_changes(kronos, months[1], months[2], "EUR").to_pylist()
    assert "from €180,000 to €240,000" in moved["text_en"]


def test_two_moves_in_a_row_tell_what_holds(kronos):
    months = [client_segments(kronos, facts(assets=[180e3]))]
    for assets in (250e3, 500e3, 500e3):
        months.append(client_segments(kronos, facts(assets=[assets]), months[-1]))
    assert [month["segment"][0].as_py() for month in months] == ["C", "C", "B", "A"]
    (last,) = segment_changes(kronos, months[2], months[3], "EUR").to_pylist()
    assert last["text_en"] == "Moved from B to A: assets held with us at €500,000 (threshold: more than €400,000)"
    assert last["value_from"] == "500000"


def test_a_value_that_is_no_longer_known_and_other_rules_are_told_as_such(kronos):
    rules = kronos.model_copy(update={"confirm": 1})
    before = client_segments(rules, facts(assets=[180e3]))
    gone = client_segments(rules, facts(assets=pa.array([None], pa.float64())), before)
    (lost,) = segment_changes(rules, before, gone, "EUR").to_pylist()
    assert "went from €180,000 to unknown" in lost["text_en"]
    assert "180 000 € auparavant, non renseigné désormais" in plain(lost["text_fr"])
    assert lost["value_to"] is None
    others = rules.model_copy(update={"margin": 0.2, "segments": (rules.segments[0], rules.segments[-1])})
    (told,) = segment_changes(others, before, client_segments(others, facts(assets=[1.0]), before), "EUR").to_pylist()
    assert told["text_en"] == "Moved from C to D: the firm changed its rules"
    assert plain(told["text_fr"]) == "Passage de C à D – l’établissement a modifié ses règles"
    assert told["criterion"] is None


def test_who_came_or_went_did_not_move(kronos):
    before = client_segments(kronos, facts(assets=[180e3]))
    now = client_segments(kronos, pa.table({"client_id": ["new"], "assets": [500e3]}), before)
    assert len(segment_changes(kronos, before, now, "EUR")) == 0
