"""Words of a message, in plain letters: what topics are counted over.

Done in Python rather than by the database, so that a model counts the same words wherever its features come from.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from appetence.features.expressions import ACCENTED, PLAIN

_RUN = re.compile(r"[^\W_]+")
_FOLD = str.maketrans(ACCENTED, PLAIN) | {ord("œ"): "oe"}
_COUNTED = re.compile("[a-z]{3,20}")  # shorter ones say little, longer ones are codes and addresses

_OF_ANY_MESSAGE = """
les des une est que qui quoi dont pour dans sur par avec sans sous chez vers entre depuis apres avant lors selon
vous nous moi toi soi lui eux elle elles ils mon mes ton tes son ses notre nos votre vos leur leurs cette ces cet
cela celui celle ceux celles aux mais donc car comme ainsi alors afin encore deja ici puis quand comment lequel
laquelle quel quelle quels quelles aucun aucune chaque autre autres meme memes tout tous toute toutes peu plus tres
bien aussi pas non oui ont ete etre etes etait sont suis sommes avoir avez avons ayant aura sera serait fait faire
faut peut peux pouvez pouvons pourrait veux voudrais dois doit jai nai cest quil quelle
bonjour bonsoir merci cordialement salutations sinceres veuillez monsieur madame mademoiselle messieurs
the and for are was were been being you your yours our ours they their them this that these those with without from
into onto over under about but not nor all any some each other others have has had having can could will would
shall should may might must does did doing done its his her hers him she who whom which what when where why how
than then there here now more most also just very too yes
hello dear thanks thank regards sincerely kind please mister
"""
STOP_WORDS = frozenset(_OF_ANY_MESSAGE.split())
"""Words that stand in any message, in French and English, and the forms of politeness."""


def runs(text: str) -> list[str]:
    """Return the runs of letters and digits of a text, in lower case as they are spelt.

    >>> runs("L’échéance du n° A7 ?")
    ['l', 'échéance', 'du', 'n', 'a7']
    """
    return _RUN.findall(unicodedata.normalize("NFC", text).lower())


@lru_cache(maxsize=200_000)
def plain(run: str) -> str:
    """Return a run in plain letters.

    >>> plain("échéance"), plain("œuvre")
    ('echeance', 'oeuvre')
    """
    return run.translate(_FOLD)


@lru_cache(maxsize=200_000)
def is_counted(word: str) -> bool:
    """Say whether a plain word may count at all: letters only, of a usual length, and not one of `STOP_WORDS`.

    >>> [word for word in ("frais", "les", "a7", "fr", "привет") if is_counted(word)]
    ['frais']
    """
    return _COUNTED.fullmatch(word) is not None and word not in STOP_WORDS
