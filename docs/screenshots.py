"""Take the pictures of these docs from written reports, in headless Chromium: `make screenshots`.

Each kind of page once: the company, a part of it, an advisor's page with its alerts, a client's sheet, and a model's
report where one is named. They hold few colours, so that they are small.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

WIDTH = 1280
COLOURS = 200
PICTURES = (  # name, page, height, what the picture starts at: a part of the page, or its top
    ("company", "index.html", 1250, None),
    ("branch", "branch-001.html", 1250, None),
    ("report", "advisor-001.html", 1150, None),
    ("alerts", "advisor-001.html", 900, "#alerts"),
    ("sheet", "advisor-001.html", 1100, "article"),
)


def take(page: Page, folder: Path, name: str, file: str, height: int, start: str | None, out: Path) -> None:
    """Take one picture: a screen of a page from its top, or from a part of it."""
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.goto((folder / file).resolve().as_uri())
    if start is not None:
        page.locator(start).first.evaluate("(part) => window.scrollTo(0, part.offsetTop - 16)")
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch, "raw.png")
        page.screenshot(path=raw)
        with Image.open(raw) as picture:
            picture.convert("RGB").quantize(COLOURS).save(out / f"{name}.png", optimize=True)


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of a month's pages in one language")
    parser.add_argument("--model", type=Path, help="a page that `appetence models --report` wrote")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        for name, file, height, start in PICTURES:
            take(page, options.folder, name, file, height, start, options.out)
        if options.model is not None:
            take(page, options.model.parent, "model", options.model.name, 1200, "#leans", options.out)
        browser.close()


if __name__ == "__main__":
    main()
