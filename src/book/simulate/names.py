"""Names of people, companies, regions and branches, and the few hostile ones that reports must survive."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from appetence.book.simulate.arrays import Bools
from appetence.book.simulate.columns import codes

FIRST = (
    "Éléonore", "François", "Zoé", "Jérôme", "Aïcha", "Gaël", "Noémie", "Loïc", "Chloé", "André", "Maëlle", "Rémi",
    "Inès", "Benoît", "Clémence", "Jean-Baptiste", "Anne-Sophie", "Hélène", "Mathéo", "Solène", "Yann", "Fatou",
    "Mehdi", "Océane", "Théo", "Marie-Thérèse", "Lucas", "Camille", "Hugo", "Manon", "Nathalie", "Philippe", "Sylvie",
    "Karim", "Valérie", "Stéphane", "Léa", "Émile", "Agnès", "Cédric", "Joëlle", "Raphaël", "Mireille", "Kévin",
)  # fmt: skip
LAST = (
    "D'Aubigné", "L'Hostis", "Le Goff", "N'Guessan", "Lefèvre", "Garçon", "Müller", "Saint-Étienne", "Péron", "Bérard",
    "De la Tour", "Béranger", "Gauthier", "Chevallier", "Fernández", "Nguyễn", "Benali", "Traoré", "Dupré", "Lemaître",
    "Hervé", "Rousseau", "Girard", "Moreau", "Fontaine", "Barthélemy", "Guérin", "Prévost", "Maréchal", "Collet",
    "Le Bihan", "Carpentier", "Meunier", "Noël", "Renaud", "Vasseur", "Étienne", "Jacquet", "Aït Ahmed", "Da Silva",
    "Schmitt", "Hébert", "Poulain", "Baudry", "Clément", "L'Herbier", "Mbaye", "Delaunay", "Roux", "Œuvrard",
)  # fmt: skip
TRADES = (
    "Boulangerie", "Garage", "Menuiserie", "Pharmacie", "Cabinet", "Transports", "Maçonnerie", "Librairie", "Clinique",
    "Hôtel", "Pépinières", "Atelier", "Brasserie", "Électricité", "Couverture",
)  # fmt: skip
SIGNS = (
    "de l'Étoile", "du Marché", "Bérard & Fils", "des Trois Épis", "d'Armor", "L'Œil neuf", "du Vieux Pont", "Müller",
    "Saint-Éloi", "de la Côte", "& Associés", "du Château", "des Alizés", "Guérin frères", "« Le Phare »",
)  # fmt: skip
HOSTILE = (
    "<script>alert('nom')</script>",
    "=cmd|'/C calc'!A0",
    '"><img src=x onerror=alert(1)>',
    "Robert'); DROP TABLE clients;--",
    "{{ 7 * 7 }} ${7*7}",
    "@SUM(1+1)*cmd",
    "\u202eeliforp\u202c O'Brien\t\u200b",
)
"""Legal contents of a text column that do harm where a report or an export does not escape them."""

REGIONS = (
    ("Bretagne", ("Rennes", "Brest", "Quimper", "Vannes")),
    ("Île-de-France", ("Paris Bastille", "Versailles", "Saint-Denis", "Évry")),
    ("Provence-Alpes-Côte d'Azur", ("Marseille", "Nice", "Avignon", "Toulon")),
    ("Auvergne-Rhône-Alpes", ("Lyon Bellecour", "Grenoble", "Saint-Étienne", "Annecy")),
    ("Occitanie", ("Toulouse", "Montpellier", "Nîmes", "Perpignan")),
    ("Hauts-de-France", ("Lille", "Amiens", "Arras", "Beauvais")),
    ("Grand Est", ("Strasbourg", "Reims", "Nancy", "Troyes")),
    ("Pays de la Loire", ("Nantes", "Angers", "Le Mans", "La Roche-sur-Yon")),
    ("Nouvelle-Aquitaine", ("Bordeaux", "Limoges", "Poitiers", "Pau")),
    ("Normandie", ("Rouen", "Caen", "Le Havre", "Évreux")),
    ("Bourgogne-Franche-Comté", ("Dijon", "Besançon", "Mâcon", "Nevers")),
    ("Centre-Val de Loire", ("Orléans", "Tours", "Chartres", "Bourges")),
)


def _crossed(left: tuple[str, ...], right: tuple[str, ...]) -> pa.Array:
    return pa.array([f"{a} {b}" for a in left for b in right], pa.string())


def client_names(rng: np.random.Generator, company: Bools, household: np.ndarray) -> pa.Array:
    """Draw names: a household shares its last name, one name in 1,500 (and never fewer than three) is hostile."""
    size = company.size
    families = rng.integers(0, len(LAST), int(household.max()) + 1)[household]
    persons = rng.integers(0, len(FIRST), size) * len(LAST) + families
    firms = len(FIRST) * len(LAST) + rng.integers(0, len(TRADES) * len(SIGNS), size)
    words = pa.concat_arrays([_crossed(FIRST, LAST), _crossed(TRADES, SIGNS), pa.array(HOSTILE, pa.string())])
    index = np.where(company, firms, persons)
    hostile = rng.choice(size, max(3, size // 1500), replace=False)
    index[hostile] = len(words) - len(HOSTILE) + np.arange(hostile.size) % len(HOSTILE)
    return codes(index, words)


def person_names(rng: np.random.Generator, size: int) -> pa.Array:
    """Draw first and last names."""
    return codes(rng.integers(0, len(FIRST) * len(LAST), size), _crossed(FIRST, LAST))
