"""Cards of hostile names: what a firm or an approver wrote is shown, and does nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from appetence.models.card import Card, Disparity, Estimate, FeatureLine, Slice
from appetence.models.history import Promotion
from appetence.models.tracking import StoredVersion
from appetence.models.verdicts import Verdict
from appetence.reports.card_words import CARD_WORDS, CardPen
from appetence.reports.cards import card_files

EVIL = "</td></table><script>alert(1)</script><img src=x onerror=alert(2)> | [a](https://x.example) `c` **b** {{ 7*7 }}"
NONE = Estimate(value=None, low=None, high=None)
SOME = Estimate(value=-0.5, low=-1.25, high=0.75)
GROUP = Slice(name=EVIL, rows=1234, events=30, auc=0.7, mean_score=0.1, log_loss=0.2, observed_expected=SOME)
LABEL, THEME = {"en": EVIL, "fr": EVIL}, {"en": "T", "fr": "T"}
STORED = StoredVersion(
    name="bank.buy.x",
    version=3,
    horizon=6,
    aliases=("champion",),
    run_id="r",
    sha256={"model.txt": "0" * 64},
    approved_by=EVIL,
    approved_at="2026-01-01T00:00:00+00:00",
    reason=Verdict(EVIL, EVIL),
    directory=Path("run", "artifacts", "model", "artifacts"),
    question=f"buy:{EVIL}",
    kind="classifier",
    registered_at="2026-01-01T00:00:00+00:00",
    verdict=Verdict(EVIL, EVIL),
)
CARD = Card(
    question=STORED.question,
    label={"en": EVIL, "fr": EVIL},
    version=3,
    kind="classifier",
    horizon=6,
    gap=0,
    registered_at=STORED.registered_at,
    state="beats",
    verdict={"en": EVIL, "fr": EVIL},
    fitted_on=("2023-01-01",),
    calibrated_on=("2023-07-01",),
    tested_on=("2023-07-01",),
    sizes={"rows": 12_345, "events": 67},
    features=(FeatureLine(name="balance", label=LABEL, theme=THEME, actionable=True),),
    figures={"auc": Estimate(value=0.7512, low=0.7, high=0.8), "calibration_slope": NONE},
    baselines={"base rate": {"auc": 0.5}},
    gains={"base rate": SOME},
    deciles=({"rows": 10, "mean_score": 0.1, "expected": 1.0, "observed": 2.0, "ratio": None},),
    by_date=(GROUP,),
    disparity=(Disparity(attribute=EVIL, groups=(GROUP,), left_out=2),),
    parameters={"max_rounds": EVIL},
    code_version="0.1.0",
    book_fingerprint="f" * 64,
    label_hash="e" * 64,
    sha256={"model.txt": "0" * 64},
)
HISTORY = [
    Promotion(
        question=STORED.question,
        alias="champion",
        at="2026-02-01T00:00:00+00:00",
        by=EVIL,
        why=EVIL,
        overruled=True,
        from_version=1,
        to_version=3,
        sha256={},
    ),
    Promotion(
        question=STORED.question, alias="champion", at="x", by="other", why="w", from_version=1, to_version=2, sha256={}
    ),
]
FILES = card_files(CARD, STORED, HISTORY)


class Page(HTMLParser):
    """Tags with their attributes, and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.parametrize("file", ["card.html", "card_fr.html"])
def test_a_page_shows_what_was_written_and_runs_and_fetches_nothing(file):
    page = Page(FILES[file])
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "iframe", "link", "a", "form", "object"}
    assert not [attr for _, attrs in page.tags for attr in attrs if attr.startswith("on") or attr in ("src", "href")]
    assert sum(EVIL in words for words in page.words) >= 8
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert page.tags[0] == ("html", {"lang": "fr" if "fr" in file else "en"})


def test_markdown_shows_it_too_and_has_no_markup_of_it():
    text = FILES["card.md"]
    assert "<" not in text
    assert "://" not in text
    assert "\\[a\\](https&#58;//x.example)" in text
    bare = re.sub(r"\\.", "", text)
    assert "`" not in bare
    assert "[" not in bare
    # every row of a table has as many cells as its head
    rows = [re.sub(r"\\\|", "", line) for line in text.splitlines() if line.startswith("|")]
    heads = [i for i, line in enumerate(rows) if set(line) <= set("| -:")]
    for start, end in zip(heads, [*heads[1:], len(rows) + 1], strict=True):
        assert len({line.count("|") for line in rows[start - 1 : end - 1]}) == 1


def test_figures_have_each_languages_marks_and_missing_ones_a_dash():
    english, french = (Page(FILES[file]).words for file in ("card.html", "card_fr.html"))
    assert "0.7512" in english
    assert "0,7512" in french
    assert "\N{MINUS SIGN}0,5000" in french
    assert "12,345" in english
    assert "12\u202f345" in french
    assert "–" in french
    assert any("malgré l’avis contraire du contrôle" in words for words in french)
    assert not any("other" in words.split() for words in english)  # another version's approval is not on this card


def test_a_version_that_stands_in_is_told_without_figures_it_does_not_have():
    plain = CARD.model_copy(
        update={"figures": {}, "gains": {}, "baselines": {}, "deciles": (), "by_date": (), "disparity": None}
        | {"features": (), "label": {}, "kind": "constant", "tested_on": (), "parameters": {}}
    )
    text = card_files(plain, STORED, [])["card.md"]
    assert "Not tested by itself" in text
    assert "It reads none" in text
    assert "None yet" in text
    assert text.startswith("# Model card: attrition, version 3")


def test_every_word_is_there_in_both_languages_with_the_same_places():
    for english, french in CARD_WORDS.values():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", french))
    assert CardPen("fr")("forbidden_decide").endswith("clôture\u00a0;")
