from appetence.value.whatif import Scenario, expected_book, what_if
from appetence.value.whatif_reach import needed_for
from appetence.value.whatif_words import told

from .test_whatif import BETTER, KRONOS, MONTHS, NAMES, RATE, TODAY, book


def lines(here, scenario, rise, language):
    found = what_if(here, scenario, RATE, MONTHS)
    text = "\n".join(told(found, rise, needed_for(rise, here, scenario, RATE, MONTHS), language, "EUR"))
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_the_claim_of_the_source_is_answered_in_english():
    text = lines(expected_book(NAMES, TODAY, KRONOS), Scenario(BETTER), 0.6, "en")
    assert "Mix: A 30%, B 30%, C 40% becomes A 40%, B 30%, C 30%" in text
    assert "Value of the book: €140,000 becomes €165,000 (+17.9%)" in text
    assert "a multiple higher by 35.8%" in text
    assert "clients of C worth −€1,235 each, before and after, instead of €500" in text
    assert "clients of A worth more: however much, this mix gives less than 33.3%" in text


def test_and_in_french():
    text = lines(expected_book(NAMES, TODAY, KRONOS), Scenario(BETTER), 0.6, "fr")
    assert "Valeur du portefeuille : 140 000 € devient 165 000 € (+17,9 %)" in text
    assert "un multiple supérieur de 35,8 %" in text
    assert "des clients C valant −1 235 € chacun, avant comme après, au lieu de 500 €" in text
    assert "si grande soit-elle, cette répartition donne moins de 33,3 %" in text
    assert "'" not in text


def test_levers_that_are_not_enough_stand_apart():
    text = lines(book(), Scenario(), 2.0, "en")
    enough, short = text.split("These would not be enough:")
    assert "more products per client" in enough
    assert "the mix alone: with all clients in segment A" in short
    assert "retention alone: if nobody left" in short
    reached = lines(book(), Scenario(multiple=0.2), 0.1, "fr").splitlines()
    assert reached[-2] == "Le scénario atteint une hausse de 10 %."
    assert reached[-1].startswith("On suppose qu’un client qui change de segment")
