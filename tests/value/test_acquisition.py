import datetime as dt

import pyarrow as pa
import pytest

from appetence.config import AcquisitionSettings
from appetence.value import prospect_calls as calls
from appetence.value.acquisition import acquisition
from appetence.value.prospect_calls import prospect_calls

CUT = dt.date(2022, 1, 1)


def day(year, month, of=1):
    return dt.date(year, month, of)


TABLES = {
    "clients": [
        {"client_id": "old", "joined_on": day(2010, 1), "source": "branch", "advisor_id": "7"},
        {"client_id": "1", "joined_on": day(2020, 5), "source": "campaign"},
        {"client_id": "2", "joined_on": day(2020, 6), "source": "campaign"},
        {"client_id": "3", "joined_on": day(2021, 1), "source": "referral", "referred_by": "old"},
        {"client_id": "4", "joined_on": day(2021, 2), "source": "referral", "referred_by": "old"},
        {"client_id": "5", "joined_on": day(2021, 3), "referred_by": "old"},
        {"client_id": "6", "joined_on": day(2021, 3), "referred_by": "3"},
        {"client_id": "later", "joined_on": CUT, "source": "campaign", "referred_by": "old"},
    ],
    "products": [{"product_id": "p", "acquisition_cost": 40}, {"product_id": "q", "acquisition_cost": 15}],
    "contracts": [
        {"contract_id": "k0", "client_id": "old", "product_id": "p", "opened_on": day(2010, 1)},
        {"contract_id": "k1", "client_id": "1", "product_id": "p", "opened_on": day(2020, 5)},
        {
            "contract_id": "k2",
            "client_id": "2",
            "product_id": "p",
            "opened_on": day(2020, 6),
            "closed_on": day(2021, 6),
        },
        {"contract_id": "k3", "client_id": "3", "product_id": "p", "opened_on": day(2021, 1)},
        {"contract_id": "q3", "client_id": "3", "product_id": "q", "opened_on": day(2021, 1, 20)},
        {"contract_id": "q9", "client_id": "3", "product_id": "q", "opened_on": day(2021, 5)},
        {"contract_id": "k4", "client_id": "4", "product_id": "q", "opened_on": day(2021, 2)},
        {"contract_id": "k5", "client_id": "5", "product_id": "q", "opened_on": day(2021, 3)},
        {"contract_id": "k6", "client_id": "6", "product_id": "q", "opened_on": day(2021, 3)},
    ],
    "balances": [
        {"contract_id": "k1", "month": day(2021, 2), "revenue": 30, "cost": 5, "balance": 0},
        {"contract_id": "k2", "month": day(2021, 2), "revenue": 12, "balance": 0},
        {"contract_id": "k3", "month": day(2021, 2), "revenue": 100, "balance": 0},
        {"contract_id": "k3", "month": CUT, "revenue": 999, "balance": 0},
    ],
    "prospects": [
        {"prospect_id": "p1", "identified_on": day(2020, 4), "source": "campaign", "became_client_id": "1"},
        {"prospect_id": "p2", "identified_on": day(2020, 4), "source": "campaign"},
        {"prospect_id": "p3", "identified_on": day(2021, 4), "source": "referral"},
        {"prospect_id": "p4", "identified_on": CUT, "source": "referral"},
    ],
    "offers": [
        {"product_id": "p", "prospect_id": "p1", "made_on": day(2020, 4), "channel": "phone"},
        {"product_id": "p", "prospect_id": "p2", "made_on": day(2020, 4), "channel": "phone"},
        {"product_id": "p", "prospect_id": "p2", "made_on": day(2020, 5), "channel": "email"},
        {"product_id": "p", "prospect_id": "p2", "made_on": day(2020, 5), "channel": "phone", "held_out": True},
        {"product_id": "p", "client_id": "1", "made_on": day(2021, 5), "channel": "phone"},
    ],
}
SCORES = pa.table(
    {
        "client_id": ["old", "1", "3", "4", "5", "6"],
        "lifetime_value": [5_000.0, 10.0, 200.0, None, 8.0, 300.0],
        "potential": [1.0, None, 20.0, 5.0, 4.0, 0.0],
    }
)
RULES = AcquisitionSettings(per_offer={"phone": 20.0}, per_client={"referral": 7.0}, least=2)


def test_sources_by_hand(make_book):
    found = acquisition(make_book(TABLES, observed_from=day(2018, 1)), CUT, SCORES, RULES)
    by_name = {one.source: one for one in found.sources}
    # sales of 40 each, an offer to who was won, an offer to who was not; the second client left
    campaign = by_name["campaign"]
    assert (campaign.clients, campaign.stayed) == (2, 1)
    assert (campaign.brought, campaign.ahead, campaign.cost) == (37, 10, 40 + 40 + 20 + 20)
    # the first cost 60 and gave 35, the second 40 and 12
    assert (campaign.wrong, campaign.wrong_loss) == (2, 25 + 28)
    assert (campaign.prospects, campaign.won) == (2, 1)
    referral = by_name["referral"]
    # 55 and 15 for first sales (a later contract is another sale), 7 each
    assert (referral.brought, referral.ahead, referral.cost) == (100, 220, 70 + 14)
    assert referral.net == 236
    assert referral.net_per_client == 118
    assert referral.per_unit_of_cost == pytest.approx(320 / 84)
    assert (referral.prospects, referral.won) == (1, 0)
    assert [one.source for one in found.sources] == ["unknown", "referral", "campaign"]
    assert found.lacks == ()


def test_small_groups_keep_their_money_to_themselves(make_book):
    found = acquisition(make_book(TABLES), CUT, SCORES, RULES.model_copy(update={"least": 3}))
    assert all(one.brought is None and one.net is None and one.per_unit_of_cost is None for one in found.sources)
    assert [one.clients for one in found.sources] == [2, 2, 2]


def test_referrers_by_hand(make_book):
    first, second = acquisition(make_book(TABLES), CUT, SCORES, RULES).referrers
    assert (first.client_id, first.advisor_id, first.clients, first.stayed, first.worth) == ("old", "7", 3, 3, 232)
    # the worth of one person is nobody else's business
    assert (second.client_id, second.clients, second.worth) == ("3", 1, None)


def test_what_the_book_lacks_is_said(make_book):
    bare = {"clients": [{"client_id": "1", "joined_on": day(2021, 1)}], "contracts": [{"client_id": "1"}]}
    found = acquisition(make_book(bare), CUT, SCORES, AcquisitionSettings(least=1))
    assert len(found.lacks) == 4
    (unknown,) = found.sources
    assert (unknown.source, unknown.ahead, unknown.brought, unknown.cost) == ("unknown", 10, 0, 0)
    assert unknown.prospects is None
    assert prospect_calls(make_book(bare), CUT, SCORES, RULES) is None


def step(prospect, status, on):
    return {"prospect_id": prospect, "status": status, "known_on": on}


def test_the_one_call_to_make(make_book, monkeypatch):
    monkeypatch.setattr(calls, "CREDIBILITY", 0)
    prospects = [f"e{n}" for n in range(4)] + ["fresh", "tired", "lost", "won", "stale", "next"]
    tables = TABLES | {
        "prospects": [
            {
                "prospect_id": one,
                "identified_on": day(2019, 1),
                "source": "referral",
                "advisor_id": "7",
                "became_client_id": "1" if one == "won" else None,
            }
            for one in prospects
        ],
        "prospect_status": [
            # of four who were engaged, two became clients at once; of two who had waited half a year, none
            *(step(f"e{n}", "engaged", day(2020, 1)) for n in range(4)),
            step("e0", "client", day(2020, 1, 15)),
            step("e1", "client", day(2020, 2, 15)),
            step("fresh", "engaged", day(2021, 12, 20)),
            step("tired", "engaged", day(2021, 5)),
            step("lost", "engaged", day(2021, 10)),
            step("lost", "lost", day(2021, 11)),
            step("won", "engaged", day(2021, 10)),
            step("won", "client", day(2021, 11)),
            step("stale", "engaged", day(2020, 6)),
            # reached only after the cut
            step("next", "contacted", day(2021, 11)),
            step("next", "engaged", CUT),
        ],
    }
    found = prospect_calls(make_book(tables), CUT, SCORES, RULES)
    assert [one.prospect_id for one in found] == ["fresh", "next", "tired"]
    fresh = found[0]
    # the one referred client whose value is known is worth 220; stale counts as engaged and not won
    assert (fresh.status, fresh.since, fresh.advisor_id) == ("engaged", day(2021, 12, 20), "7")
    assert fresh.probability == pytest.approx(2 / 5)
    assert fresh.value == 220
    assert fresh.expected == pytest.approx(88)
    assert found[-1].probability == 0
