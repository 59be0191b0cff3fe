"""A client's sheet on paper: one page, however much there is to say, and all of it within the margins."""

import datetime as dt

import pytest

from appetence.explain.reasons import BASELINE, OTHER

from .conftest import HOSTILE, MONTH, client_row, offer_row, small_scores
from .test_browser import browser, pytestmark  # noqa: F401 - one browser, and one reason to skip

LONG = "Jean-Christophe-Emmanuel de La Rochefoucauld-Montmorency-Bouteville " * 3
UNBROKEN = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
LABEL = "Contrat multisupport d'assurance vie et de capitalisation à versements libres programmés, formule n° "
SHORT = {"text_en": "All other reasons together", "text_fr": "Niveau attendu pour tout client du portefeuille"}
DAY = dt.date
IDS = [str(number) for number in range(1, 9)]
NAMES = (LONG, UNBROKEN, *HOSTILE[:4], "Zoé Martin", LONG)


def crowded_book() -> dict[str, list[dict[str, object]]]:
    """Eight clients, seven of one household, who have everything: names, contracts, events and objections galore."""
    products = [f"P{number:02d}" for number in range(14)]
    return {
        "clients": [
            {
                "client_id": i if i != "2" else "2" * 60,
                "name": name,
                "advisor_id": "A1",
                "birth_date": DAY(1960, 3, 2),
                "joined_on": DAY(2014, 2, 4),
                "household_id": "H" if i != "7" else None,
                "referred_by": None,
            }
            for i, name in zip(IDS, NAMES, strict=True)
        ],
        "client_facts": [
            {
                "client_id": i,
                "known_on": DAY(2023, 1, 1),
                "income": 123_456_789.0,
                "net_worth": 987_654_321.0,
                "marital_status": "civil_union",
                "children": 12,
                "occupation": "a very long occupation that the firm alone knows, with all that belongs to it",
                "risk_tolerance": 3,
                "region": "Provence-Alpes-Côte d'Azur et Corse, outre-mer compris",
                "preferred_channel": "phone",
            }
            for i in IDS
            if i != "2"
        ],
        "advisors": [{"advisor_id": "A1", "name": LONG, "team": LONG, "branch": LONG}],
        "products": [
            {"product_id": p, "label_en": LABEL + p, "label_fr": LABEL + p, "family": f"famille_{int(p[1:]) % 5}"}
            for p in products
        ],
        "contracts": [
            {
                "contract_id": f"k{i}-{p}",
                "client_id": i,
                "product_id": p,
                "opened_on": DAY(2023, 5, 1),
                "ends_on": DAY(2024, 2, 3),
            }
            for i in IDS
            if i not in "27"
            for p in products[:12]
        ]
        + [{"contract_id": "k7", "client_id": "7", "product_id": "P00", "opened_on": DAY(2020, 5, 1)}],
        "balances": [
            {
                "contract_id": f"k{i}-{p}",
                "month": DAY(2023, 12, 1),
                "balance": 123_456_789.0,
                "net_flow": -98_765_432.0,
                "revenue": 1.0,
            }
            for i in IDS
            if i not in "27"
            for p in products[:12]
        ],
        "life_events": [
            {
                "client_id": i,
                "kind": kind,
                "occurred_on": DAY(2023, 9, 1),
                "known_on": DAY(2023, 9, 20),
                "source": source,
            }
            for i in IDS
            if i != "2"
            for kind, source in (("divorce", "crm"), ("<b>new home</b>" * 9, "questionnaire"), ("birth", "inferred"))
        ],
        "interactions": [
            {
                "client_id": i,
                "interaction_id": f"{i}-{kind}",
                "at": DAY(2023, 11, 1),
                "kind": kind,
                "channel": "a channel of the firm's own with a name that does not end",
                "nps": 3 if kind == "survey" else None,
            }
            for i in IDS
            if i != "2"
            for kind in ("complaint", "claim", "survey", "review")
        ],
        "consents": [
            {"client_id": i, "purpose": purpose, "known_on": DAY(2023, 1, 1), "granted": False}
            for i in "1345"
            for purpose in ("phone", "marketing")
        ],
    }


def crowded_scores(reasons) -> dict[str, object]:
    """Scores of the crowded book, with the longest reasons."""
    ids = ["2" * 60 if i == "2" else i for i in IDS]
    wordy = {
        "text_en": "A reason that goes on and on until it has filled two lines of its narrow column, or more",
        "text_fr": "Un motif qui n'en finit pas, jusqu'à remplir deux lignes de sa colonne étroite, voire davantage",
        "actionable": True,
    }
    money = {"lifetime_value": 123_456_789.0, "past_profit": -98_765_432.0, "potential": 12_345_678.0}
    risk = {"attrition_probability": 0.5, "erosion_probability": 0.5, "expected_outflow": 1e8}
    clients = [
        client_row(i, attrition_tier="high", **money, **{**risk, "erosion_probability": 0.1 if i == "7" else 0.5})
        for i in ids
    ]
    offers = [offer_row(i, p, 0.1 * (n + 1), 1e6) for i in ids for n, p in enumerate(("P12", "P13", "P11"))]
    questions = ["attrition", "erosion", *(f"buy:P{n}" for n in (11, 12, 13)), *(f"own{n}" for n in range(6))]
    told = [
        row | (wordy if row["theme"] not in (BASELINE, OTHER) else SHORT)
        for i in ids
        for q in questions
        for row in reasons(i, q, 9.0, 3.0, 3.0, 3.0, 3.0, 3.0, 1.0)
    ]
    answers = [
        {"client_id": i, "question": f"own{n}", "probability": 0.3, "modelled": True} for i in ids for n in range(6)
    ]
    label = "Une question propre à l'établissement, dont le nom compte les quatre-vingts signes"
    models = {f"own{n}": {"horizon": 12, "verdict": "x", "label_en": label, "label_fr": label} for n in range(6)}
    models |= {name: {"kind": "classifier", "verdict": "x", "horizon": 6} for name in ("attrition", "erosion")}
    moves = [
        {"client_id": i, "question": "attrition", "rank": n, "part": "client", "points": 2.5, "against_run": "r"}
        | {"text_en": 2 * wordy["text_en"], "text_fr": 2 * wordy["text_fr"], "against_month": "2023-11"}
        for i in ids
        for n in (1, 2, 3)
    ]
    scenarios = [
        {"client_id": i, "question": q, "scenario": f"s{n}", "probability_before": 0.5, "probability_after": 0.487}
        | {"points": -1.3, "text_en": f"One more product: {LABEL}", "text_fr": f"Un produit de plus : {LABEL}"}
        for i in ids
        for q in ("attrition", "erosion")
        for n in range(5)
    ]
    changes = {"moves": moves, "scenarios": scenarios}
    return changes | {"clients": clients, "offers": offers, "reasons": told, "answers": answers, "models": models}


@pytest.fixture
def crowded(make_book, tmp_path, reasons):
    """Return the folder of the crowded book's pages."""
    from appetence.config import CoverageTarget, ReportSettings
    from appetence.months import Month
    from appetence.reports import read_published, write_reports

    database = small_scores(tmp_path / "scores.duckdb", **crowded_scores(reasons))
    settings = ReportSettings(directory=str(tmp_path / "reports"), birthdays=(64,))
    published = read_published(database, Month.parse(MONTH))
    coverage = [CoverageTarget(segment="all", families=tuple(f"famille_{number}" for number in range(2, 5)))]
    book = crowded_book()
    book["contracts"] = [row for row in book["contracts"] if row["product_id"] not in ("P02", "P03", "P07", "P08")]
    return write_reports(published, make_book(book), settings, title=LONG, coverage=coverage).directory


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_sheet_is_one_page_and_within_its_margins(browser, crowded, language):  # noqa: F811
    page = browser.new_page(viewport={"width": 695, "height": 1024})  # A4 less its margins
    page.goto((crowded / language / "advisor-001.html").as_uri())
    page.emulate_media(media="print")
    everything = "[...document.querySelectorAll('article, article *:not(.members *)')]"  # members are cut at the margin
    wide = f"{everything}.filter(e => e.getBoundingClientRect().right > 696)"
    assert page.evaluate(f"{wide}.map(e => e.outerHTML.slice(0, 80))") == []
    heights = page.evaluate("[...document.querySelectorAll('article')].map(e => e.getBoundingClientRect().height)")
    page.evaluate(
        "document.body.replaceChildren(...document.querySelectorAll('article'))"
    )  # each begins a page of its own
    pdf = page.pdf(prefer_css_page_size=True)
    page.close()
    assert len(heights) == 8
    assert max(heights) < 1024, heights
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") == 8
