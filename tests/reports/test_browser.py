"""The pages in a real browser, opened from disk: nothing fetched, nothing run from a name, links and sorting work."""

import os
import shutil

import pytest

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


@pytest.fixture
def visit(browser, reported):
    """Open a page from disk; at the end, no request but for files, no message, no dialog and no error were seen."""
    index = reported()
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
    assert all(url.startswith("file://") and url.partition("#")[0].endswith(".html") for url in requests)


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
    page.get_by_role("link", name="Inès Moreau").click()
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
    assert table.locator("tbody bdi").first.inner_text() == "Paul Petit"
    assert table.locator("th[aria-sort=descending]").inner_text().startswith("Risk of leaving")
    table.get_by_role("button", name="Risk of leaving").click()
    assert table.locator("tbody bdi").last.inner_text() == "Paul Petit"


def test_the_keyboard_reaches_the_content_first(visit):
    page = visit("fr/index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Aller au contenu"


def test_each_client_prints_on_a_page_of_its_own(visit):
    page = visit("fr/advisor-001.html")
    pdf = page.pdf(prefer_css_page_size=True)
    sheets = page.locator("article").count()
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") >= sheets + 1
