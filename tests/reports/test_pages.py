"""Pages as text: inert names, a strict policy, and words instead of empty columns."""

import datetime as dt
import hashlib
import re
from base64 import b64encode
from html.parser import HTMLParser

import pytest

from appetence.explain.wording import visible
from appetence.scoring.tables import CLIENT_SCORES

VOID = {"meta", "input", "br", "img", "link", "hr"} | {"path", "rect"}
LEVELS = ["branch-001.html", "branch-002.html", "team-001.html", "team-002.html"]


class Tree(HTMLParser):
    """Checks that tags are balanced; collects tags, ids, links and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def pages_of(index, language: str) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in (index.directory / language).glob("*.html")}


@pytest.fixture
def pages(reported):
    index = reported()
    return {language: pages_of(index, language) for language in ("fr", "en")}


def test_the_pages_are_whole_documents_in_their_language(pages):
    for language, files in pages.items():
        assert sorted(files) == sorted(["advisor-001.html", "advisor-002.html", "index.html", *LEVELS])
        for text in files.values():
            tree = Tree(text)
            assert tree.all("html") == [{"lang": language}]
            assert len(tree.all("h1")) == len(tree.all("main")) == len(tree.all("title")) == 1
            assert len(tree.all("caption")) == len(tree.all("table"))
            assert all(cell.get("scope") in ("col", "row") for cell in tree.all("th"))


def test_nothing_is_fetched_and_only_the_pages_own_style_and_script_are_allowed(pages):
    for files in pages.values():
        for text in files.values():
            tree = Tree(text)
            assert not tree.all("link")
            assert not tree.all("img")
            assert not [attributes for _, attributes in tree.tags if "src" in attributes or "style" in attributes]
            assert not [name for _, attributes in tree.tags for name in attributes if name.startswith("on")]
            (policy,) = [a["content"] for a in tree.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
            assert policy.startswith("default-src 'none';")
            assert "unsafe" not in policy
            for tag in ("style", "script"):
                (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
                assert f"{tag}-src 'sha256-{b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'" in policy
            assert not re.search(r"https?://", text)


def test_every_link_leads_somewhere(pages):
    lists = {f"{stem}.{kind}" for stem in ("advisor-001", "advisor-002", "company") for kind in ("csv", "xlsx")}
    for language, files in pages.items():
        for text in files.values():
            tree = Tree(text)
            ids = [attributes["id"] for _, attributes in tree.tags if "id" in attributes]
            assert len(ids) == len(set(ids))
            for link in tree.all("a"):
                target = link["href"]
                if target.startswith("#"):
                    assert target[1:] in ids
                elif target.startswith("../"):
                    assert target.split("/")[1] != language
                    assert target.split("/")[2] in pages[target.split("/")[1]]
                else:
                    assert target in files or target in lists
            labels = [a["aria-labelledby"] for _, a in tree.tags if "aria-labelledby" in a]
            assert set(labels) <= set(ids)


def test_hostile_names_and_texts_are_shown_and_inert(pages):
    from .conftest import HOSTILE

    for files in pages.values():
        tree = Tree(files["advisor-001.html"])
        for name in HOSTILE:
            assert visible(name) in tree.text
        assert len(tree.all("script")) == 1
        assert not tree.all("b")
        assert not tree.all("i")
        assert "A & <b>B</b>" in tree.text
        assert "49" not in re.findall(r"\d+", "".join(re.findall(r"<h3.*?</h3>", files["advisor-001.html"])))
        for text in files.values():
            assert not re.search("[\u202a-\u202e\u2066-\u2069\x00]", text)
    assert "<b>birth</b>" in Tree(pages["en"]["advisor-002.html"]).text.lower()


def test_file_names_and_anchors_hold_no_name_or_id(pages):
    tree = Tree(pages["fr"]["advisor-001.html"])
    assert all(
        re.fullmatch(
            r"content|(call|keep|ready|all|quality|sheets|alerts|changes|clients)|filter(-[a-z]+)?|c\d+(-name)?",
            a["id"],
        )
        for _, a in tree.tags
        if "id" in a
    )


def test_the_call_list_is_in_order_of_the_money_at_stake(pages):
    section = re.search(r'<h2 id="call">.*?</section>', pages["en"]["advisor-001.html"], re.DOTALL)[0]
    rows = re.findall(r'<a href="#c(\d+)"><bdi>(.*?)</bdi>', section)
    assert [int(number) for number, _ in rows] == [1, 2, 3, 4]
    assert [name for _, name in rows][1:3] == ["Paul Petit", "Léa Petit"]
    money = re.findall(r"€([\d,]+)</td>", section)
    assert money == ["1,800", "400", "350", "250"]
    assert "lifetime value" in section
    assert "Reason 1 of 4" in section
    assert "Reason 2 of 4" not in section  # it lowers the risk


def test_what_a_tier_means_is_told_where_the_run_tells_it(reported):
    settings = {"scoring": {"high": 0.1, "medium": 0.2}}
    text = pages_of(reported(settings=settings), "en")["advisor-001.html"]
    assert "High: the 10% of the book most at risk; medium: the next 20%." in text


def test_reasons_add_up_on_the_sheet(pages):
    sheet = re.search(r'<article class="sheet" id="c1".*?</article>', pages["en"]["advisor-001.html"], re.DOTALL)[0]
    table = re.search(r'<table class="reasons">.*?</table>', sheet, re.DOTALL)[0]
    shown = re.findall(r'<td class="n">(.*?)</td>', table)
    assert shown == ["4%", "+3.0 points", "−1.0 points", "+14.0 points", "20%"]
    assert table.count('<span class="lever">lever</span>') == 1
    assert len(re.findall(r'class="up"', table)) == 1
    assert len(re.findall(r'class="down"', table)) == 1


def test_an_objection_to_marketing_keeps_a_client_off_the_list_of_sales(pages):
    text = pages["fr"]["advisor-001.html"]
    section = re.search(r'<h2 id="ready">.*?</section>', text, re.DOTALL)[0]
    assert "Paul Petit" in section
    assert "Léa Petit" not in section
    assert text.count("Opposition à la prospection") == 1


def test_what_to_say_and_the_channel_are_on_every_sheet_and_nothing_of_a_name_runs(pages):
    for language, words in (("fr", ("Que dire", "Canal :", "Téléphone : non")), ("en", ("What to say", "Phone: no"))):
        text = pages[language]["advisor-001.html"]
        assert text.count('<div class="talk">') == len(re.findall("<article", text)) == 7
        assert all(word in plain(Tree(text).text) for word in words)
    told = re.search(r'<div class="talk">.*?</div>', pages["fr"]["advisor-002.html"], re.DOTALL)[0]
    assert "changement (&lt;b&gt;birth&lt;/b&gt;, octobre 2023)" in told


def test_a_sheet_is_silent_on_what_the_firm_does_not_record(reported):
    """A book of contracts alone: no names, households, contacts, consents, life events or terms."""
    clients = [{"client_id": str(i), "birth_date": None, "joined_on": dt.date(2020, 8, 1)} for i in range(1, 9)]
    contracts = [{"contract_id": f"k{i}", "client_id": str(i), "product_id": "P"} for i in range(1, 9)]
    tables = {"clients": clients, "contracts": contracts, "products": [{"product_id": "P"}, {"product_id": "Q"}]}
    index = reported(tables=tables)
    for language, missing in (
        ("en", ("Household", "Contacts", "Key moments", "Channel:", "Balance", "Coverage gaps")),
        ("fr", ("Foyer", "Contacts", "Moments clés", "Canal", "Encours", "Équipement à compléter")),
    ):
        written = "".join(pages_of(index, language)[f"advisor-00{n}.html"] for n in (1, 2))
        text = plain(Tree("".join(re.findall(r"<article.*?</article>", written, re.DOTALL))).text)
        assert [word for word in missing if word in text] == []
        assert {"en": "What to say", "fr": "Que dire"}[language] in text


def test_reasons_beyond_those_with_room_are_told_as_one_on_paper(reported, reasons):
    """Six reasons and a risk of erosion: four are told, and the other two as one, so that the column still adds up."""
    told = reasons("8", "attrition", 4.0, 9.0, 8.0, 7.0, 6.0, 2.5, -1.0, 4.5)
    text = pages_of(reported(reasons=told), "en")["advisor-001.html"]
    bodies = re.findall(r'<table class="reasons">.*?<tbody>(.*?)</tbody>', text, re.DOTALL)
    table = next(body for body in bodies if "Reason 6 of 8" in body)
    rows = re.findall(r"<tr(.*?)>\n?<td>(.*?)</td>.*?<td class=\"n\">(.*?)</td>", table, re.DOTALL)
    kinds = [re.sub(r'.*"(.*)".*', r"\1", attributes) for attributes, _, _ in rows]
    assert kinds == ["quiet", "", "", "", "", "screen", "screen", "paper", "quiet"]
    assert rows[7][1:] == ("2 more reasons together", "+1.5 points")


def test_a_long_reason_is_whole_on_the_screen_and_cut_on_paper(reported, reasons):
    long = "A reason <b>" + "x" * 80 + " its end"
    told = [row | {"text_en": long} for row in reasons("8", "attrition", 4.0, 9.0, 7.0)]
    text = pages_of(reported(reasons=told), "en")["advisor-001.html"]
    assert "A reason &lt;b&gt;xxx" in text
    assert 'its end</span><span class="paper">…</span>' in text


def test_members_of_a_household_are_linked(pages):
    sheet = next(
        s
        for s in re.findall(r"<article.*?</article>", pages["en"]["advisor-001.html"], re.DOTALL)
        if "Léa Petit</bdi> <" in s
    )
    assert re.search(r'<a href="#c\d+"><bdi>Paul Petit</bdi></a> <span class="small">Livret', sheet)


def test_attrition_that_is_not_modelled_is_told_instead_of_empty_columns(reported):
    from .conftest import client_row

    clients = [client_row(str(i), attrition_probability=None, attrition_tier=None) for i in range(1, 9)]
    models = {"attrition": {"refused": "nobody <left> by choice"}}
    index = reported(clients=clients, models=models, reasons=[])
    french, english = pages_of(index, "fr")["advisor-001.html"], pages_of(index, "en")["index.html"]
    assert "L’attrition n’est pas modélisée." in french
    assert '<span lang="en">nobody &lt;left&gt; by choice</span>' in french
    assert "Attrition is not modelled." in english
    for text in (french, english):
        assert not re.search("Risque de départ|Risk of leaving|Départs attendus|High risk|NaN|None", Tree(text).text)


def test_a_book_with_nothing_to_sell_says_so(reported):
    told = {"attrition": {"horizon": 6}, "buy": {"refused": "one product", "refused_fr": "un seul produit"}}
    index = reported(offers=[], models=told)
    assert re.search(
        r"Prochains produits\s+non modélisé\s+un seul produit", Tree(pages_of(index, "fr")["index.html"]).text
    )
    assert "Aucun produit suivant n’est évalué" in pages_of(index, "fr")["advisor-001.html"]
    english = pages_of(index, "en")["index.html"]
    assert "No next product is scored" in english
    assert "Potential" not in english


def test_another_contract_is_told_as_one_wherever_it_is_proposed(reported):
    from .conftest import offer_row, reason_rows

    offers = [offer_row(str(i), "Q", 0.01 * i, 10.0 * i, purchase="again") for i in range(1, 9)]
    reasons = [row for i in range(1, 9) for row in reason_rows(str(i), "rebuy:Q", 1.0, 0.5, 1.0 * i - 1.5)]
    told = {"rebuy:Q": {"horizon": 6, "verdict": "Good."}, "rebuy": {"refused": "few", "refused_fr": "trop peu"}}
    index = reported(offers=offers, reasons=reasons, models=told)
    french, english = (pages_of(index, language) for language in ("fr", "en"))
    for page in ("index.html", "advisor-001.html"):
        assert "Un autre contrat\xa0: " in Tree(french[page]).text
        assert "Another contract: " in Tree(english[page]).text
    assert re.search(r"Nouveaux achats d’un même produit\s+non modélisé\s+trop peu", Tree(french["index.html"]).text)
    assert "Motif 1 de 8" in french["advisor-001.html"]


def test_values_that_are_not_known_are_left_out(reported):
    from .conftest import client_row

    clients = [client_row(str(i), lifetime_value=None, attrition_tier="high") for i in range(1, 9)]
    index = reported(clients=clients)
    text = Tree(pages_of(index, "en")["advisor-001.html"]).text
    assert "by probability of leaving" in text
    assert "At stake" not in text
    assert not re.search("NaN|None", text)


def test_a_book_without_advisors_is_one_portfolio(reported):
    from .conftest import client_row, small_book

    tables = small_book()
    del tables["advisors"]
    for row in tables["clients"]:
        del row["advisor_id"]
    index = reported(tables=tables, clients=[client_row(str(i), advisor_id=None) for i in range(1, 9)])
    files = pages_of(index, "fr")
    assert sorted(files) == ["advisor-001.html", "index.html"]
    assert "<h1><bdi>Tous les clients</bdi></h1>" in files["advisor-001.html"]
    assert "Conseiller" not in Tree(files["index.html"]).text.replace("jugement du conseiller", "")


def test_a_firms_own_questions_stand_on_the_sheets_by_their_labels(reported, reasons):
    labels = {"label_en": "Calls <b>us</b>", "label_fr": "Nous <b>appelle</b>"}
    models = {"calls": {"alias": "fallback", "horizon": 3, "verdict": "fine", **labels}}
    answers = [{"client_id": "6", "question": "calls", "probability": 0.25, "modelled": True}]
    answers += [{"client_id": "7", "question": "calls", "probability": 0.5, "modelled": False}]
    told = reasons("6", "calls", 10.0, 9.0, 6.0) + reasons("7", "calls", 50.0, 0.0)
    written = reported(answers=answers, reasons=told, models=models)
    for language, label, rate in (("en", "Calls &lt;b&gt;us&lt;/b&gt;", "base rate"), ("fr", "Nous", "taux moyen")):
        pages = {
            path.name: path.read_text(encoding="utf-8") for path in written.overviews[language].parent.glob("*.html")
        }
        assert label in pages["index.html"]  # among the models
        sheets = "".join(text for name, text in pages.items() if name != "index.html")
        found = re.findall(r"<li><p><strong><bdi>([^<]*)</bdi>.*?</li>\n", sheets, re.DOTALL)
        assert sum(name.startswith(("Calls", "Nous")) for name in found) == 2
        assert rate in sheets
        assert {"en": "Reason 1 of 6", "fr": "Motif 1 de 6"}[language] in sheets


def section(text: str, name: str) -> str:
    """What a page says under a heading."""
    part = re.search(rf'<section aria-labelledby="{name}">(.*?)</section>', text, re.DOTALL)
    return plain(Tree(part[1]).text) if part else ""


def plain(text: str) -> str:
    """Return a text with spaces that may break."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_money_that_may_leave_is_told_beside_attrition_with_reasons(pages):
    """Of the six clients with a risk of erosion, 12 % to 32 %, the upper half is above their average of 22 %."""
    for language, words in (
        (
            "en",
            ("Where money may leave", "Risk of silent erosion within 4 months", "Expected outflow", "Reason 1 of 8"),
        ),
        ("fr", ("Où les encours pourraient partir", "Risque d’érosion silencieuse d’ici 4 mois", "Motif 1 de 8")),
    ):
        page = pages[language]["advisor-001.html"]
        told = section(page, "keep")
        assert all(word in told for word in words)
        assert re.findall("Zoé Martin|Léa Petit|Paul Petit", told) == ["Paul Petit", "Léa Petit"]
        assert re.search(r"32.?%", told)
    # reasons on the sheets of those above the average only, figures on all six
    assert pages["fr"]["advisor-001.html"].count("<h4>Érosion silencieuse ") == 2
    assert pages["fr"]["advisor-002.html"].count("<h4>Érosion silencieuse ") == 1
    total = plain(Tree(pages["en"]["index.html"]).text)
    assert "Expected outflow within 4 months" in total
    assert "€33,000" in total


def test_a_book_without_flows_says_why_there_is_no_erosion_and_shows_no_column(reported):
    nothing = dict.fromkeys(CLIENT_SCORES.schema.names)
    rows = [nothing | {"client_id": str(i), "advisor_id": "A1", "attrition_probability": 0.1} for i in range(1, 9)]
    refused = {"erosion": {"refused": "No net flows.", "refused_fr": "Aucun flux net."}}
    index = reported(clients=rows, reasons=[], models=refused)
    for language, heading, why in (("en", "Silent erosion", "No net flows."), ("fr", "Érosion silencieuse", "Aucun")):
        for name, text in pages_of(index, language).items():
            assert section(text, "keep") == "", name
            assert "Expected outflow" not in text
            assert "Sorties attendues" not in text
            if name not in LEVELS:  # models are told where the firm's figures and the clients are
                told = section(text, "quality")
                assert heading in told
                assert why in told
