from __future__ import annotations

from pathlib import Path

from appetence.features.catalogue import catalogue
from appetence.features.describe import describe_features

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_page_is_the_catalogues():
    assert PAGE.read_text(encoding="utf-8") == describe_features(), "run `appetence docs`"


def test_every_feature_has_a_row():
    page = describe_features()
    assert all(f"| `{feature.name}` |" in page for feature in catalogue())
    assert "| `holds_<family>` |" in page
    assert "| `months_since_<family>_opening` |" in page
    assert "| `declared_<column>` |" in page
    assert "`message_topic_1`" in page
