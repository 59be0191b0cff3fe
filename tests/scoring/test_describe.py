from pathlib import Path

from appetence.scoring.describe import describe_scores
from appetence.scoring.tables import SCORE_TABLES

PAGE = Path(__file__).parents[2] / "docs" / "scores.md"


def test_the_page_in_docs_is_the_one_that_is_generated():
    assert PAGE.read_text(encoding="utf-8") == describe_scores(), "run: make docs"


def test_every_column_has_a_meaning():
    for table in SCORE_TABLES:
        assert all(table.meanings[name] for name in table.schema.names)
        assert set(table.key) <= set(table.schema.names)
