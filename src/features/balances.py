"""Money with us: levels, flows apart from market moves, trends, share of wallet."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from appetence.features.asof import KEY, AsKnown
from appetence.features.catalogue import Feature, Shape, Unit, Wording
from appetence.features.expressions import at_least, cents, mean, money, ratio, relative_change, slope
from appetence.features.families import family_words
from appetence.features.money import WINDOWS, YEAR, money_of_members

LEAST = 100_00
"""Cents: less than this is no level to compare with; a share of it would be large and mean nothing."""

_BALANCES, _FLOWS = ("balances",), ("balances.net_flow",)


def _changed(months: int) -> Feature:
    return Feature(
        f"assets_change_{months}m",
        "balances",
        "asset_trend",
        Unit.SHARE,
        Wording(
            f"Change in assets over {months} months",
            f"Assets rose by {{value}} in {months} months",
            negative=f"Assets fell by {{value}} in {months} months",
            zero=f"Assets unchanged over {months} months",
            missing=f"Next to no assets {months} months ago",
        ),
        Wording(
            f"Évolution des encours sur {months} mois",
            f"Les encours ont augmenté de {{value}} en {months} mois",
            negative=f"Les encours ont baissé de {{value}} en {months} mois",
            zero=f"Encours inchangés sur {months} mois",
            missing=f"Pas ou presque pas d’encours {months} mois plus tôt",
        ),
        _BALANCES,
    )


def _net_flow(months: int) -> Feature:
    return Feature(
        f"net_flow_{months}m",
        "balances",
        "flows",
        Unit.MONEY,
        Wording(
            f"Net money paid in over {months} months",
            f"{{value}} more paid in than taken out over {months} months",
            negative=f"{{value}} more taken out than paid in over {months} months",
            zero=f"As much paid in as taken out over {months} months",
        ),
        Wording(
            f"Versements nets sur {months} mois",
            f"Les versements dépassent les retraits de {{value}} sur {months} mois",
            negative=f"Les retraits dépassent les versements de {{value}} sur {months} mois",
            zero=f"Versements et retraits s’équilibrent sur {months} mois",
        ),
        _FLOWS,
    )


FEATURES = (
    Feature(
        "assets",
        "balances",
        "assets",
        Unit.MONEY,
        Wording(
            "Assets held with us",
            "{value} of assets held with us",
            negative="Overdrawn by {value} overall",
            zero="No assets held with us",
        ),
        Wording(
            "Encours confiés",
            "{value} d’encours confiés",
            negative="Solde global débiteur de {value}",
            zero="Aucun encours confié",
        ),
        _BALANCES,
    ),
    *(_changed(months) for months in WINDOWS),
    Feature(
        "assets_trend_12m",
        "balances",
        "asset_trend",
        Unit.SHARE,
        Wording(
            "Monthly trend of assets over 12 months",
            "Assets grow by {value} a month on average over 12 months",
            negative="Assets shrink by {value} a month on average over 12 months",
            zero="Assets steady over 12 months",
            missing="Too few assets over 12 months for a trend",
        ),
        Wording(
            "Tendance mensuelle des encours sur 12 mois",
            "Les encours progressent de {value} par mois en moyenne sur 12 mois",
            negative="Les encours reculent de {value} par mois en moyenne sur 12 mois",
            zero="Encours stables sur 12 mois",
            missing="Trop peu d’encours sur 12 mois pour une tendance",
        ),
        _BALANCES,
    ),
    Feature(
        "drawdown_12m",
        "balances",
        "asset_trend",
        Unit.SHARE,
        Wording(
            "Assets below their 12-month peak",
            "Assets {value} below their 12-month peak",
            zero="Assets at their 12-month peak",
            missing="Next to no assets in the last 12 months",
        ),
        Wording(
            "Encours sous leur plus haut de 12 mois",
            "Encours inférieurs de {value} à leur plus haut sur 12 mois",
            zero="Encours à leur plus haut sur 12 mois",
            missing="Pas ou presque pas d’encours au cours des 12 derniers mois",
        ),
        _BALANCES,
    ),
    Feature(
        "assets_volatility_12m",
        "balances",
        "asset_trend",
        Unit.SHARE,
        Wording(
            "Volatility of assets over 12 months",
            "Assets vary by {value} around their mean of 12 months",
            zero="Assets steady over 12 months",
            missing="Too few assets over 12 months to tell how they vary",
        ),
        Wording(
            "Volatilité des encours sur 12 mois",
            "Les encours varient de {value} autour de leur moyenne de 12 mois",
            zero="Encours stables sur 12 mois",
            missing="Trop peu d’encours sur 12 mois pour en mesurer les variations",
        ),
        _BALANCES,
    ),
    Feature(
        "market_move_12m",
        "balances",
        "market",
        Unit.MONEY,
        Wording(
            "Change in assets beyond recorded flows over 12 months",
            "Assets rose by {value} more than the flows recorded over 12 months",
            negative="Assets fell by {value} more than the flows recorded over 12 months",
            zero="Assets changed just as the flows recorded over 12 months",
            missing="No assets 12 months ago",
        ),
        Wording(
            "Évolution des encours au-delà des flux enregistrés sur 12 mois",
            "Encours en hausse de {value} au-delà des flux enregistrés sur 12 mois",
            negative="Encours en baisse de {value} au-delà des flux enregistrés sur 12 mois",
            zero="Encours conformes aux flux enregistrés sur 12 mois",
            missing="Aucun encours 12 mois plus tôt",
        ),
        _FLOWS,
    ),
    Feature(
        "market_return_12m",
        "balances",
        "market",
        Unit.SHARE,
        Wording(
            "Change in assets beyond recorded flows over 12 months, as a share of assets",
            "Assets rose by {value} more than the flows recorded over 12 months",
            negative="Assets fell by {value} more than the flows recorded over 12 months",
            zero="Assets changed just as the flows recorded over 12 months",
            missing="Next to no assets 12 months ago",
        ),
        Wording(
            "Évolution des encours au-delà des flux enregistrés sur 12 mois, rapportée aux encours",
            "Encours en hausse de {value} au-delà des flux enregistrés sur 12 mois",
            negative="Encours en baisse de {value} au-delà des flux enregistrés sur 12 mois",
            zero="Encours conformes aux flux enregistrés sur 12 mois",
            missing="Pas ou presque pas d’encours 12 mois plus tôt",
        ),
        _FLOWS,
    ),
    *(_net_flow(months) for months in WINDOWS),
    Feature(
        "net_flow_rate_6m",
        "balances",
        "flows",
        Unit.SHARE,
        Wording(
            "Net money paid in over 6 months, as a share of assets",
            "Net payments of {value} of assets in 6 months",
            negative="Net withdrawals of {value} of assets in 6 months",
            zero="As much paid in as taken out over 6 months",
            missing="Next to no assets 6 months ago",
        ),
        Wording(
            "Versements nets sur 6 mois rapportés aux encours",
            "Versements nets de {value} des encours en 6 mois",
            negative="Retraits nets de {value} des encours en 6 mois",
            zero="Versements et retraits s’équilibrent sur 6 mois",
            missing="Pas ou presque pas d’encours 6 mois plus tôt",
        ),
        _FLOWS,
    ),
    Feature(
        "months_since_inflow",
        "balances",
        "flows",
        Unit.MONTHS,
        Wording("Last money paid in", "Last money paid in {value} ago", missing="Nothing paid in for two years"),
        Wording("Dernier versement", "Dernier versement il y a {value}", missing="Aucun versement depuis deux ans"),
        _FLOWS,
    ),
    Feature(
        "share_of_wallet",
        "balances",
        "share_of_wallet",
        Unit.SHARE,
        Wording(
            "Share of wallet",
            "{value} of declared net worth is held with us",
            negative="Overdrawn by {value} of declared net worth",
            zero="None of the declared net worth is held with us",
            missing="Share of wallet unknown: no net worth declared",
        ),
        Wording(
            "Part de portefeuille",
            "{value} du patrimoine déclaré est confié à l’établissement",
            negative="Solde débiteur de {value} du patrimoine déclaré",
            zero="Rien du patrimoine déclaré n’est confié à l’établissement",
            missing="Part de portefeuille inconnue, faute de patrimoine déclaré",
        ),
        ("balances", "client_facts.net_worth"),
    ),
    Feature(
        "share_of_wallet_change_12m",
        "balances",
        "share_of_wallet",
        Unit.SHARE,
        Wording(
            "Change in share of wallet over 12 months",
            "Share of wallet up by {value} of net worth in 12 months",
            negative="Share of wallet down by {value} of net worth in 12 months",
            zero="Share of wallet unchanged over 12 months",
            missing="Share of wallet not known over 12 months",
        ),
        Wording(
            "Évolution de la part de portefeuille sur 12 mois",
            "Part de portefeuille en hausse de {value} du patrimoine en 12 mois",
            negative="Part de portefeuille en baisse de {value} du patrimoine en 12 mois",
            zero="Part de portefeuille inchangée sur 12 mois",
            missing="Part de portefeuille inconnue sur 12 mois",
        ),
        ("balances", "client_facts.net_worth"),
    ),
    Feature(
        "credit_outstanding",
        "balances",
        "credit",
        Unit.MONEY,
        Wording("Credit outstanding", "{value} of credit outstanding", zero="No credit outstanding"),
        Wording("Encours de crédit", "{value} de crédit restant dû", zero="Aucun crédit restant dû"),
        _BALANCES,
    ),
    Feature(
        "revenue_12m",
        "balances",
        "profitability",
        Unit.MONEY,
        Wording("Revenue over 12 months", "{value} of revenue in 12 months", zero="No revenue in 12 months"),
        Wording("Revenus sur 12 mois", "{value} de revenus générés en 12 mois", zero="Aucun revenu généré en 12 mois"),
        _BALANCES,
    ),
    Feature(
        "revenue_change_12m",
        "balances",
        "profitability",
        Unit.MONEY,
        Wording(
            "Change in yearly revenue",
            "Revenue {value} above that of the year before",
            negative="Revenue {value} below that of the year before",
            zero="As much revenue as the year before",
            missing="No revenue recorded for the year before",
        ),
        Wording(
            "Évolution des revenus annuels",
            "Revenus supérieurs de {value} à ceux de l’année précédente",
            negative="Revenus inférieurs de {value} à ceux de l’année précédente",
            zero="Revenus égaux à ceux de l’année précédente",
            missing="Aucun revenu enregistré l’année précédente",
        ),
        _BALANCES,
    ),
    Feature(
        "cost_12m",
        "balances",
        "profitability",
        Unit.MONEY,
        Wording("Cost over 12 months", "{value} of claims and servicing in 12 months", zero="No cost in 12 months"),
        Wording("Coûts sur 12 mois", "{value} de sinistres et de gestion en 12 mois", zero="Aucun coût en 12 mois"),
        ("balances.cost",),
    ),
)


def made_for(shape: Shape) -> tuple[Feature, ...]:
    """Return the features per family of products of this book."""
    return tuple(_assets_of(code, part) for code, part in shape.asset_families)


def _assets_of(code: str, part: str) -> Feature:
    english, french = family_words(code)
    return Feature(
        f"assets_{part}",
        "balances",
        "assets",
        Unit.MONEY,
        Wording(
            f"Assets in “{english}”",
            f"{{value}} of assets in the family “{english}”",
            negative=f"Overdrawn by {{value}} in the family “{english}”",
            zero=f"No assets in the family “{english}”",
        ),
        Wording(
            f"Encours « {french} »",
            f"{{value}} d’encours dans la famille « {french} »",
            negative=f"Solde débiteur de {{value}} dans la famille « {french} »",
            zero=f"Aucun encours dans la famille « {french} »",
        ),
        _BALANCES,
    )


def build(known: AsKnown) -> ir.Table:
    """Return the group's features, one row per row of the spine."""
    found = known.asked(money_of_members(known))
    assets_of = tuple(f"assets_{part}" for _, part in known.shape.asset_families)
    sums = ("assets", "credit", *(f"flow_{m}" for m in WINDOWS), "revenue", "cost", *assets_of)
    on = known.onto_spine(found, zero=sums).left_join(_net_worth(known), "row").drop("row_right")
    level = [on[f"level_{lag}"].cast("int64") for lag in range(1, YEAR + 2)]
    market = on.assets - level[YEAR] - on.flow_12
    wallet_then = ratio(level[YEAR], at_least(on.net_worth_then, LEAST))
    return on.select(
        *KEY,
        assets=money(on.assets),
        credit_outstanding=money(on.credit),
        revenue_12m=money(on.revenue),
        cost_12m=money(on.cost),
        **{f"assets_{part}": money(on[f"assets_{part}"]) for _, part in known.shape.asset_families},
        **{f"assets_change_{m}m": relative_change(on.assets, level[m], LEAST) for m in WINDOWS},
        assets_trend_12m=ratio(-slope(level[:YEAR]), at_least(mean(level[:YEAR]), LEAST)),
        drawdown_12m=_drawdown(on.assets, level[:YEAR]),
        assets_volatility_12m=_volatility(level[:YEAR]),
        market_move_12m=money(market),
        market_return_12m=ratio(market, at_least(level[YEAR], LEAST)),
        **{f"net_flow_{m}m": money(on[f"flow_{m}"]) for m in WINDOWS},
        net_flow_rate_6m=ratio(on.flow_6, at_least(level[6], LEAST)),
        months_since_inflow=on.last_inflow - 1,
        share_of_wallet=ratio(on.assets, at_least(on.net_worth, LEAST)),
        share_of_wallet_change_12m=ratio(on.assets, at_least(on.net_worth, LEAST)) - wallet_then,
        revenue_change_12m=money(on.revenue - on.revenue_before),
    )


def _net_worth(known: AsKnown) -> ir.Table:
    """Return what was declared as known at the cut, and what was known a year before it."""
    now, then = known.facts(), known.facts(ago=YEAR)
    declared = then.select("row", net_worth_then=cents(then.net_worth))
    return now.select("row", net_worth=cents(now.net_worth)).left_join(declared, "row").drop("row_right")


def _volatility(levels: list[ir.NumericValue]) -> ir.NumericValue:
    """Return the standard deviation of a row's levels over their mean; null where there was next to nothing."""
    centre = mean(levels)
    squares = [(level.cast("float64") - centre) * (level.cast("float64") - centre) for level in levels]
    seen = sum(level.notnull().cast("int64") for level in levels)
    variance = ratio(sum(square.fill_null(0.0) for square in squares), seen)
    return ratio(variance.sqrt(), at_least(centre, LEAST))


def _drawdown(now: ir.NumericValue, levels: list[ir.NumericValue]) -> ir.NumericValue:
    """Return by which share the newest level lies below the highest; null where there was next to nothing."""
    # `greatest` with a null argument is null on some engines: a month without a level counts as the newest one.
    peak = ibis.greatest(now, *(level.coalesce(now) for level in levels))
    return ratio(peak - ibis.greatest(now, 0), at_least(peak, LEAST))
