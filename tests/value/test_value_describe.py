from pathlib import Path

from appetence.value.describe import describe_kpis
from appetence.value.kpi_catalogue import KPIS

PAGE = Path(__file__).parents[2] / "docs" / "kpis.md"


def test_the_page_in_docs_is_the_one_that_is_generated():
    assert PAGE.read_text(encoding="utf-8") == describe_kpis(), "run: make docs"


def test_every_figure_is_told_once_in_both_languages():
    page = describe_kpis()
    for kpi in KPIS:
        assert page.count(f"\n| `{kpi.name}`") == 1
        assert kpi.en[1] in page
        assert kpi.fr[1] in page
