"""Which groups of features are made, and what their builders are told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from appetence.config.settings import Name, PathText, Settings

GROUPS = (
    "tenure",
    "holdings",
    "bundles",
    "coverage",
    "balances",
    "interactions",
    "text",
    "life_events",
    "household",
    "person",
    "calendar",
)


BEHAVIOUR = ("tenure", "holdings", "balances", "interactions", "text", "life_events")
"""Groups of features of what a client does, apart from who the client is and with whom."""


class CoverageTarget(Settings):
    """The families of products that the clients of a segment should hold.

    `when` is a condition over age, kind and what clients declare (income, net_worth, marital_status, children,
    occupation, region); left out, it holds for everyone.
    """

    segment: Name
    when: str = "TRUE"
    families: Annotated[tuple[str, ...], Field(min_length=1)]


class TopicSettings(Settings):
    """Topics learnt from the words of clients' messages: how many at most, or none at all."""

    enabled: bool = True
    components: Annotated[int, Field(ge=1, le=32)] = 8


class FeatureSettings(Settings):
    """Which feature groups to use; a group whose table is missing switches itself off and says so.

    `own`: Python files of the firm's, each a group of its own features. `coverage`: what clients should hold, by
    segment; a client belongs to the first segment whose condition is true. `topics`: read beside the group `text`, so
    not without it.
    """

    groups: tuple[Literal[GROUPS], ...] = GROUPS  # type: ignore[valid-type]
    exclude: tuple[str, ...] = ()
    own: tuple[PathText, ...] = ()
    coverage: tuple[CoverageTarget, ...] = ()
    topics: TopicSettings = TopicSettings()

    @property
    def reads_topics(self) -> bool:
        """Whether models learn topics: a firm that leaves out `text` wants no message read."""
        return self.topics.enabled and "text" in self.groups

    @model_validator(mode="after")
    def _segments_once(self) -> FeatureSettings:
        names = [target.segment for target in self.coverage]
        if len(set(names)) < len(names):
            raise ValueError("each segment of coverage must be named once")
        return self
