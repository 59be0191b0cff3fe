"""The true probabilities, month by month: what tests and benchmarks measure models against, and nothing else reads.

`truth/attrition.parquet`, one row per client and cut at which the client truly holds a contract, whatever the firm
knew of it then (client_id, cut):

- `hazard`: P(leaves in the month that begins at the cut), given the true state at the cut;
- `leave_3`, `leave_6`, `leave_12`: P(leaves within so many months), compounded along the expected path (see `hazards`);
- `death`: P(dies in the month); `draining`: whether money is draining away.

`truth/purchase.parquet`, the same rows: per product, `<product_id>`: P(buys in the month), leavers of the month
excepted, and `<product_id>_6`: P(buys within six months), compounded likewise; 0 where the client may not buy.

`truth/effects.parquet`: the planted effects. `truth/settings.json`: what the book was made with.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from appetence.book.simulate.arrays import Floats, Floats32, Ints, Numbers
from appetence.book.simulate.catalogue import PRODUCTS
from appetence.book.simulate.columns import codes, dates
from appetence.book.simulate.demand import HORIZON, Demand
from appetence.book.simulate.effects import EFFECTS
from appetence.book.simulate.hazards import HORIZONS, Leaving
from appetence.book.simulate.write import TableWriter, write_table

_KEYS = [pa.field("client_id", pa.string()), pa.field("cut", pa.date32())]
ATTRITION_SCHEMA = pa.schema(
    [
        *_KEYS,
        pa.field("hazard", pa.float32()),
        *[pa.field(f"leave_{horizon}", pa.float32()) for horizon in HORIZONS],
        pa.field("death", pa.float32()),
        pa.field("draining", pa.bool_()),
    ]
)
PURCHASE_SCHEMA = pa.schema(
    [
        *_KEYS,
        *[pa.field(product.product_id, pa.float32()) for product in PRODUCTS],
        *[pa.field(f"{product.product_id}_{HORIZON}", pa.float32()) for product in PRODUCTS],
    ]
)


class Truth:
    """Writes the true probabilities of each month."""

    def __init__(self, directory: Path, client_ids: pa.Array) -> None:
        self._ids = client_ids
        self._attrition = TableWriter(directory / "attrition.parquet", ATTRITION_SCHEMA)
        self._purchase = TableWriter(directory / "purchase.parquet", PURCHASE_SCHEMA)
        write_table(effects_table(), directory / "effects.parquet")

    def write(
        self, clients: Ints, cut: int, leaving: Leaving, hazard: Floats, demand: Demand, buying: Floats32
    ) -> None:
        """Write a month; `hazard` and `buying` are the probabilities that the month is drawn with."""
        within, survival = leaving.path()
        keys = [codes(clients, self._ids), dates(np.full(clients.size, cut))]
        self._attrition.write(
            pa.Table.from_arrays(
                [
                    *keys,
                    _float(hazard),
                    *[_float(within[horizon]) for horizon in HORIZONS],
                    _float(leaving.death),
                    pa.array(leaving.draining),
                ],
                schema=ATTRITION_SCHEMA,
            )
        )
        later = demand.within(survival)
        columns = [_float(values[:, index]) for values in (buying, later) for index in range(len(PRODUCTS))]
        self._purchase.write(pa.Table.from_arrays([*keys, *columns], schema=PURCHASE_SCHEMA))

    def close(self) -> None:
        """Finish the files."""
        self._attrition.close()
        self._purchase.close()


def _float(values: Numbers) -> pa.Array:
    return pa.array(np.ascontiguousarray(values, dtype=np.float32))


def effects_table() -> pa.Table:
    """Return the planted effects as a table."""
    names = ("question", "trigger", "log_odds", "months", "absent", "meaning")
    return pa.table({name: [getattr(effect, name) for effect in EFFECTS] for name in names})
