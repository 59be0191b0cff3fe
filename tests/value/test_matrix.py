import numpy as np
import pyarrow as pa
import pytest

from appetence.config import MatrixSettings
from appetence.errors import UsageError
from appetence.value.matrix import ADVICE, CHANNELS, STRATEGIES, Thresholds, client_matrix, thresholds

SETTINGS = MatrixSettings(profitability=100, potential=50, loyal=0.9)
LIMITS = Thresholds(100, 50)


def placed(profitability, potential, staying=np.nan):
    values = (np.array([value]) for value in (profitability, potential, staying))
    (row,) = client_matrix(pa.array(["1"]), *values, LIMITS, SETTINGS).to_pylist()
    return row


@pytest.mark.parametrize(
    ("profitability", "potential", "strategy"),
    [(99, 50, "equip"), (100, 50, "build loyalty"), (100, 49, "retain"), (99, 49, "exit")],
)
def test_the_four_fields_have_their_strategies(profitability, potential, strategy):
    row = placed(profitability, potential)
    assert row["strategy"] == strategy
    assert row["channel"] == ("online with a yearly visit" if strategy == "exit" else "advisor")
    assert not row["for_a_person"]


@pytest.mark.parametrize(
    ("profitability", "staying", "parting"),
    [(-10, 0.5, True), (-10, 0.95, False), (10, 0.5, False), (-10, np.nan, False)],
)
def test_parting_is_only_proposed_of_who_costs_money_and_is_not_loyal_and_a_person_decides(
    profitability, staying, parting
):
    row = placed(profitability, 0, staying)
    assert (row["strategy"], row["for_a_person"]) == ("exit", parting)
    assert row["proposal"] == ("consider parting" if parting else "cheaper channel")
    assert ("a person decides" in row["text_en"]) == parting
    assert ("la décision revient à une personne" in row["text_fr"]) == parting
    assert row["channel"] == ("advisor" if parting else "online with a yearly visit")


def test_a_client_of_whom_too_little_is_known_has_no_place():
    assert set(placed(np.nan, 10).values()) == set(placed(10, np.nan).values()) == {"1", None}


def test_thresholds_are_the_firms_or_a_quantile_of_the_book():
    profitability, potential = np.array([1.0, 2, 3, 4, np.nan]), np.array([10.0, 20, np.nan, 30, 40])
    assert thresholds(MatrixSettings(quantile=0.25), profitability, potential) == Thresholds(1.75, 17.5)
    assert thresholds(SETTINGS, profitability, potential) == LIMITS
    with pytest.raises(UsageError, match="the matrix needs the potential of at least one client"):
        thresholds(MatrixSettings(), profitability, np.array([np.nan]))


def test_all_words_are_there_in_both_languages():
    for words in (*ADVICE.values(), *STRATEGIES.values(), *CHANNELS.values()):
        assert words.en
        assert words.fr
        assert "'" not in words.fr
