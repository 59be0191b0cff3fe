from __future__ import annotations

import json
from dataclasses import replace

import pytest

from appetence.book import open_book
from appetence.config import BookSettings, FeatureSettings, TrackingSettings, TrainingSettings
from appetence.errors import ArtefactError, UsageError
from appetence.models.approval import Approval, promote, questions_with_a_challenger
from appetence.models.artefact import Artefact, Contract, Golden
from appetence.models.blocks import Window
from appetence.models.history import HISTORY_FILE, promotions
from appetence.models.promotion import FIRST_THAT_BEATS, keep_training
from appetence.models.questions import Question
from appetence.models.registry import resolve
from appetence.models.tracking import CHALLENGER, CHAMPION, TrackingStore

FEATURES = FeatureSettings(groups=("tenure", "holdings", "balances", "interactions"))
SETTINGS = TrainingSettings(tests=1, bootstrap=40)
ATTRITION = Question("attrition", Window(6), 20, ("base rate",))
NAME = "bank.attrition"


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> TrackingStore:
    return TrackingStore(TrackingSettings(directory=str(tmp_path_factory.mktemp("approval"))), "bank")


@pytest.fixture(scope="module")
def book(simulated):
    with open_book(BookSettings(directory=str(simulated))) as opened:
        yield opened


def of_attrition(trained, model=None, **changes):
    """The training, of attrition alone, with a model that beats its baselines."""
    outcome = trained.outcomes["attrition"]
    model = outcome.model if model is None else model
    return replace(
        trained, outcomes={"attrition": replace(outcome, state="beats", model=model, fallback=None, **changes)}
    )


def plain(artefact: Artefact) -> Artefact:
    parts = {"kind": "constant", "features": (), "classifier": None, "probability": 0.03}
    contract = Contract.model_validate(dict(artefact.contract) | parts)
    return Artefact(contract, Golden(rows={}, probabilities=[0.03]), None)


def test_the_way_of_a_challenger_and_back(store, book, trained):
    """One story in one store: challenger, promotion, a roll-back refused, and one that a person insists on."""

    def asked(version, why, anyway=False, by="A. Martin"):
        return promote(store, "bank", book, ATTRITION, version, Approval.of(by, why, anyway), FEATURES, SETTINGS)

    first = trained.outcomes["attrition"].model
    keep_training(store, "bank", of_attrition(trained, plain(first)), SETTINGS)
    with pytest.raises(UsageError, match=r"must have a challenger.*appetence train"):
        asked(None, "because")
    assert questions_with_a_challenger(store, "bank", ["attrition", "buy:pel"]) == []

    for _ in range(2):  # the newer of two challengers is the challenger
        kept = keep_training(store, "bank", of_attrition(trained), SETTINGS)
    assert kept["attrition"].version == 3
    assert kept["attrition"].aliases == (CHALLENGER,)
    assert kept["attrition"].approved_by == ""
    assert store.version_at(NAME, CHAMPION).version == 1
    assert questions_with_a_challenger(store, "bank", ["attrition", "buy:pel"]) == ["attrition"]

    won = asked(None, "  better\n on <script>alert(1)</script> all months ")
    assert (won.promoted, won.overruled, won.version, won.before) == (True, False, 3, 1)
    champion = store.version_at(NAME, CHAMPION)
    assert (champion.version, champion.aliases) == (3, (CHAMPION,))
    assert champion.approved_by == "A. Martin"
    assert champion.verdict == trained.outcomes["attrition"].verdict  # what reports tell stays the model's verdict
    assert store.version_at(NAME, CHALLENGER) is None
    with pytest.raises(UsageError, match="must not be in use already"):
        asked(3, "again")
    with pytest.raises(UsageError, match=r"one of attrition's, but got 9\. There are: 1, 2, 3"):
        asked(9, "again")

    back = asked(1, "the old one was fine")
    assert (back.promoted, store.version_at(NAME, CHAMPION).version) == (False, 3)
    assert any(line.startswith("Refused") and "--anyway" in line for line in back.lines())
    assert len(promotions(store.versions(NAME))) == 2

    forced = asked(1, "the regulator asks for it", anyway=True, by="B. Durand")
    assert (forced.promoted, forced.overruled) == (True, True)
    assert resolve(store, "bank", "attrition").version == 1
    rows = promotions(store.versions(NAME))
    assert [(row.from_version, row.to_version, row.by, row.overruled) for row in rows] == [
        (None, 1, FIRST_THAT_BEATS, False),
        (1, 3, "A. Martin", False),
        (3, 1, "B. Durand", True),
    ]
    assert rows[1].why == "better on <script>alert(1)</script> all months"
    assert rows[1].gate["figures"]["gain"] > 0 > rows[2].gate["figures"]["gain"]
    assert rows[2].sha256 == dict(store.version_at(NAME, CHAMPION).sha256)
    assert [row.at for row in rows] == sorted(row.at for row in rows)
    file = json.loads(store.text(store.version_at(NAME, CHAMPION).run_id, HISTORY_FILE))
    assert file == [row.model_dump(mode="json") for row in rows]


def test_files_that_were_changed_are_not_promoted_and_do_not_keep_another_from_it(store, book, trained):
    name = "broken.attrition"
    keep_training(store, "broken", of_attrition(trained), SETTINGS)
    keep_training(store, "broken", of_attrition(trained), SETTINGS)
    champion, challenger = store.version_at(name, CHAMPION), store.version_at(name, CHALLENGER)
    asked = (store, "broken", book, ATTRITION, None, Approval.of("A", "why", True), FEATURES, SETTINGS)
    whole = (challenger.directory / "model.txt").read_bytes()
    (challenger.directory / "model.txt").write_bytes(whole + b"\n")
    with pytest.raises(ArtefactError, match=r"another model\.txt"):
        promote(*asked)
    assert store.version_at(name, CHAMPION).version == champion.version
    assert len(promotions(store.versions(name))) == 1
    (challenger.directory / "model.txt").write_bytes(whole)
    (champion.directory / "model.txt").write_bytes(whole + b"\n")
    done = promote(*asked)
    assert (done.promoted, done.overruled) == (True, False)
    assert "cannot score any more (Version 1 of broken.attrition must be what was approved)" in str(done.gate.verdict)


@pytest.mark.parametrize(
    ("by", "why", "message"),
    [
        (None, "why", r"must have an author, but got none.*--by NAME.*APPETENCE_APPROVER"),
        (" \n", "why", "must have an author"),
        ("A", None, "must have a reason"),
        ("A", "\u200b\x00", "must have a reason"),
        ("A", "x" * 2_001, "at most 2000 characters, but got 2001"),
        ("A" * 201, "x", "the author of a promotion must have at most 200"),
    ],
)
def test_a_promotion_needs_an_author_and_a_reason(by, why, message):
    with pytest.raises(UsageError, match=message):
        Approval.of(by, why, False)


def test_what_a_person_writes_is_kept_as_one_line_that_can_be_stored():
    approval = Approval.of("Zoé\udcff", "a\tb\u2028c\x1b[31m", True)
    assert (approval.by, approval.why) == ("Zoé?", "a b c[31m")
