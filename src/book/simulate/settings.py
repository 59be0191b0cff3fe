"""What a user chooses of a simulated book."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from appetence.errors import UsageError
from appetence.months import Month


class SimulateSettings(BaseModel):
    """Size, period and seed of a simulated book.

    Parameters
    ----------
    clients
        Clients ever: the rows of the `clients` table. About four in five hold a contract when the window opens, the
        others join in the course of it and replace those who leave.
    months
        Months observed: balances, contacts and life events lie inside them, contracts may have been opened before.
    first_month
        The first month observed, `YYYY-MM`.
    seed
        The same settings give the same bytes.
    clients_per_advisor
        Active clients that one advisor looks after, on average.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    clients: int = Field(default=6000, ge=50, le=5_000_000)
    months: int = Field(default=48, ge=6, le=240)
    first_month: str = "2021-01"
    seed: int = Field(default=7, ge=0)
    clients_per_advisor: int = Field(default=200, ge=1)

    @field_validator("first_month")
    @classmethod
    def _is_month(cls, text: str) -> str:
        try:
            return str(Month.parse(text))
        except UsageError as error:
            raise ValueError(str(error)) from error

    @property
    def first(self) -> Month:
        """The first month observed."""
        return Month.parse(self.first_month)
