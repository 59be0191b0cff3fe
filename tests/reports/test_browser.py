"""The pages in a real browser, opened from disk: nothing fetched, nothing run from a name, links and sorting work."""

import datetime as dt
import os
import re
import shutil
from importlib.resources import files

import openpyxl
import pytest

from appetence.book import open_book
from appetence.config import BookSettings, ReportSettings
from appetence.months import Month
from appetence.reports import read_published, write_reports

from .conftest import small_scores
from .test_cascade import EARLIER, tables

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"), reason="needs Debian's chromium; CI installs it and may not skip"
)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    assert CHROMIUM is not None, "chromium is not installed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def index(write_book, tmp_path_factory):
    """Two months published, the second one reported."""
    root = tmp_path_factory.mktemp("browsed")
    small_scores(root / "scores.duckdb", month="2023-11", run_id="run-0", clients=EARLIER, offers=[], reasons=[])
    published = read_published(small_scores(root / "scores.duckdb"), Month.parse("2023-12"))
    observed = {"observed_from": dt.date(2019, 1, 1), "observed_until": dt.date(2024, 1, 1)}
    with open_book(BookSettings(directory=str(write_book(root / "book", tables())), **observed)) as book:
        return write_reports(published, book, ReportSettings(directory=str(root / "reports")), title="A & <b>B</b>")


@pytest.fixture
def visit(browser, index):
    """Open a page from disk; at the end, no request but for files, no message, no dialog and no error were seen."""
    context = browser.new_context()
    page = context.new_page()
    seen: list[str] = []
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))

    def go(path: str):
        page.goto((index.directory / path).as_uri())
        return page

    yield go
    context.close()
    assert seen == []
    assert requests
    known = (".html", ".xlsx", ".csv")
    assert all(url.startswith("file://") and url.partition("#")[0].endswith(known) for url in requests)


def test_names_run_nothing_and_are_read_as_they_are(visit):
    from .conftest import HOSTILE

    page = visit("fr/advisor-001.html")
    assert page.title().endswith("décembre 2023")
    names = page.locator("article h3 bdi").all_text_contents()
    assert set(HOSTILE[:4]) <= set(names)
    assert page.locator("img").count() == 0


def test_the_other_language_is_one_click_away_and_back(visit):
    page = visit("fr/index.html")
    page.get_by_role("link", name="English version").click()
    assert page.evaluate("document.documentElement.lang") == "en"
    page.get_by_role("table", name="Portfolios").get_by_role("link", name="Inès Moreau").click()
    assert page.locator("h1").inner_text() == "Inès Moreau"
    page.get_by_role("link", name="Version française").click()
    assert page.url.endswith("/fr/advisor-002.html")
    page.get_by_role("link", name="Vue d’ensemble").click()
    assert page.url.endswith("/fr/index.html")


def test_the_call_list_leads_to_the_sheet(visit):
    page = visit("en/advisor-001.html")
    page.get_by_role("table", name="Whom to call first").get_by_role("link", name="Paul Petit").click()
    assert page.url.endswith("#c2")
    assert page.locator("article:target h3 bdi").inner_text() == "Paul Petit"


def test_the_style_is_applied_and_the_page_fits(visit):
    page = visit("fr/advisor-001.html")
    assert page.evaluate("getComputedStyle(document.querySelector('.top')).backgroundColor") == "rgb(11, 74, 111)"
    for width in (1280, 400):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_clients_are_found_by_name_without_accents_and_sorted_by_a_column(visit):
    page = visit("en/advisor-001.html")
    table = page.get_by_role("table", name="All clients")
    page.get_by_label("Find a client:").fill("lea")
    assert table.locator("tbody tr:visible bdi").all_inner_texts() == ["Léa Petit"]
    page.get_by_label("Find a client:").fill("")
    table.get_by_role("button", name="Risk of leaving").click()
    assert table.locator("tbody th bdi").first.inner_text() == "Paul Petit"
    assert table.locator("th[aria-sort=descending]").inner_text().startswith("Risk of leaving")
    table.get_by_role("button", name="Risk of leaving").click()
    assert table.locator("tbody th bdi").last.inner_text() == "Paul Petit"


def test_the_keyboard_reaches_the_content_first(visit):
    page = visit("fr/index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Aller au contenu"


def test_lists_are_narrowed_by_every_filter_and_stay_so_while_sorted(visit):
    page = visit("en/advisor-001.html")
    clients = page.get_by_role("table", name="All clients").locator("tbody tr:visible th bdi")
    alerts = page.get_by_role("table", name="Alerts").locator("tbody tr:visible th bdi")
    assert clients.count() == 7
    page.get_by_label("Risk:").select_option("high")
    assert clients.all_inner_texts() == ["Paul Petit", "Léa Petit"]
    assert page.locator("output").inner_text() == "2 of 7 clients"
    page.get_by_role("table", name="All clients").get_by_role("button", name="Client").press("Enter")
    assert clients.all_inner_texts() == ["Léa Petit", "Paul Petit"]
    page.get_by_label("Channel:").select_option("no marketing")
    assert clients.all_inner_texts() == ["Léa Petit"]
    assert set(alerts.all_inner_texts()) == {"Léa Petit"}
    page.get_by_role("button", name="Clear").click()
    assert clients.count() == 7
    assert page.evaluate("document.activeElement.id") == "filter"
    page.get_by_label("Alert:").select_option("rose")
    assert clients.all_inner_texts() == ["Léa Petit"]
    assert alerts.all_inner_texts() == ["Léa Petit"]
    page.get_by_label("Alert:").select_option("retention")
    assert clients.all_inner_texts() == ["Léa Petit", "Paul Petit"]
    assert alerts.all_inner_texts() == ["Paul Petit", "Léa Petit"]  # by money
    page.get_by_label("Find a client:").fill("nobody")
    assert clients.count() == alerts.count() == 0
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Best product:").select_option(label="Home loan")
    assert "Léa Petit" not in clients.all_inner_texts()  # objects to marketing: nothing is proposed
    assert clients.count() == 6


def test_the_cascade_leads_down_to_a_client_and_up_again(visit):
    page = visit("en/index.html")
    page.get_by_role("table", name="Branches").get_by_role("link", name="Lille").click()
    assert page.locator("h1").inner_text() == "Lille"
    page.get_by_role("table", name="Teams").get_by_role("link", name="Équipe <b>Nord</b>").click()
    page.get_by_role("table", name="Portfolios").get_by_role("link").first.click()
    assert page.locator("tbody th a").first.get_attribute("href").startswith("#c")
    trail = page.get_by_role("navigation", name="Navigation").get_by_role("link")
    assert trail.all_inner_texts() == ["Overview", "Lille", "Équipe <b>Nord</b>", "Version française"]
    trail.nth(2).click()
    assert page.url.endswith("/en/team-001.html")
    page.get_by_role("link", name="Version française").click()
    assert page.url.endswith("/fr/team-001.html")
    page.get_by_role("link", name="Lille").click()
    page.get_by_role("link", name="Vue d’ensemble").click()
    assert page.url.endswith("/fr/index.html")
    page.locator("summary", has_text="Chiffres de tous les mois").click()
    assert page.get_by_role("table", name="Chiffres de tous les mois").locator("tbody tr").count() == 2


def test_call_lists_are_fetched_from_the_page_and_open(visit, tmp_path):
    page = visit("fr/advisor-001.html")
    for kind in ("XLSX", "CSV"):
        with page.expect_download() as fetched:
            page.get_by_role("link", name=kind).click()
        fetched.value.save_as(tmp_path / f"list.{kind.lower()}")
    rows = list(openpyxl.load_workbook(tmp_path / "list.xlsx").active.values)
    assert rows[0][:4] == ("Client n°", "Nom", "Niveau de risque", "Risque de départ")
    assert [row[0] for row in rows[1:]] == ["4", "8", "7", "5", "3", "2", "1"]
    assert (rows[2][1], rows[2][3], rows[2][4]) == ("Paul Petit", 0.4, 400)
    text = (tmp_path / "list.csv").read_text(encoding="utf-8-sig")
    assert text.splitlines()[2].startswith('"8";"Paul Petit";"élevé";0,400000;400,00;')


AXE = "axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations)"


def serious(page, name: str = "") -> list[tuple[str, str]]:
    """Judge a page by axe-core; return what hinders people seriously or altogether."""
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    return [(name, one["id"]) for one in page.evaluate(AXE) if one["impact"] in ("serious", "critical")]


def test_pages_of_every_kind_can_be_used_by_keyboard_and_screen_reader(browser, index):
    context = browser.new_context(bypass_csp=True)  # the pages' own policy keeps the judge out
    page = context.new_page()
    for language, unit in (("fr", "branch-001"), ("en", "team-001")):
        for name in ("index", unit, "advisor-001"):
            page.goto((index.directory / language / f"{name}.html").as_uri())
            assert serious(page, f"{language}/{name}") == []
    page.evaluate("document.querySelector('label').remove()")
    page.evaluate("document.querySelector('tbody a').style.color = '#eee'")
    assert {rule for _, rule in serious(page)} == {"label", "color-contrast"}  # the judge is awake
    context.close()


def test_what_has_the_focus_is_seen(visit):
    page = visit("en/advisor-001.html")
    page.get_by_label("Find a client:").focus()
    seen = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.tagName"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    assert {"SELECT", "BUTTON", "A"} <= seen


def test_each_client_prints_on_a_page_of_its_own(visit):
    page = visit("fr/advisor-001.html")
    pdf = page.pdf(prefer_css_page_size=True)
    sheets = page.locator("article").count()
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") >= sheets + 1
    sizes = re.findall(rb"/MediaBox \[([\d. ]*)\]", pdf)
    assert {tuple(round(float(edge)) for edge in size.split()[2:]) for size in sizes} == {(595, 842)}  # A4, standing
    page = visit("fr/branch-001.html")
    sizes = re.findall(rb"/MediaBox \[([\d. ]*)\]", page.pdf(prefer_css_page_size=True))
    assert {tuple(round(float(edge)) for edge in size.split()[2:]) for size in sizes} == {(842, 595)}  # lying
    page = visit("fr/advisor-001.html")
    page.emulate_media(media="print")
    style = "(name, key) => getComputedStyle(document.querySelector(name))[key]"
    assert page.evaluate(f"({style})('article', 'breakBefore')") == "page"
    assert page.evaluate(f"({style})('.scroll tbody tr', 'breakInside')") == "avoid"
    assert page.evaluate(f"({style})('.scroll thead', 'display')") == "table-header-group"
    assert not page.locator(".filters").is_visible()
    assert not page.locator(".lists").is_visible()
