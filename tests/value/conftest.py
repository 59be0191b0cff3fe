from pathlib import Path

import pytest

from appetence.value.segment_rules import load_segments

KRONOS = Path(__file__).parents[2] / "configs" / "segments" / "kronos.yaml"


@pytest.fixture(scope="session")
def kronos():
    """Return the segments that are shipped as an example."""
    return load_segments(KRONOS)
