"""What a firm decides: one YAML file, read into frozen settings with every mistake reported at once.

Only paths may refer to the environment (`${NAME}` or `${NAME:-default}`); anything secret stays there.
"""

from appetence.config.book import BookSettings, CsvFile, DuckdbTable, ParquetFile, SimulateSettings, Source
from appetence.config.features import BEHAVIOUR, GROUPS, CoverageTarget, FeatureSettings, TopicSettings
from appetence.config.firm import Config, load_config
from appetence.config.questions import (
    Asking,
    AttritionSettings,
    CreditSettings,
    ErosionSettings,
    NextProductSettings,
    OwnQuestion,
    UpliftSettings,
)
from appetence.config.reading import read_settings
from appetence.config.reports import SAYINGS, AlertSettings, ReportSettings, Sentences
from appetence.config.scoring import SCENARIOS, Scenario, ScenarioSettings, ScoringSettings
from appetence.config.settings import ColumnName, Name, PathText, Settings
from appetence.config.training import BacktestSettings, TrackingSettings, TrainingSettings, TuningSettings
from appetence.config.value import (
    AcquisitionSettings,
    ClusterSettings,
    Driver,
    MatrixSettings,
    MultipleSettings,
    ValueSettings,
)

__all__ = [
    "BEHAVIOUR",
    "GROUPS",
    "SAYINGS",
    "SCENARIOS",
    "AcquisitionSettings",
    "AlertSettings",
    "Asking",
    "AttritionSettings",
    "BacktestSettings",
    "BookSettings",
    "ClusterSettings",
    "ColumnName",
    "Config",
    "CoverageTarget",
    "CreditSettings",
    "CsvFile",
    "Driver",
    "DuckdbTable",
    "ErosionSettings",
    "FeatureSettings",
    "MatrixSettings",
    "MultipleSettings",
    "Name",
    "NextProductSettings",
    "OwnQuestion",
    "ParquetFile",
    "PathText",
    "ReportSettings",
    "Scenario",
    "ScenarioSettings",
    "ScoringSettings",
    "Sentences",
    "Settings",
    "SimulateSettings",
    "Source",
    "TopicSettings",
    "TrackingSettings",
    "TrainingSettings",
    "TuningSettings",
    "UpliftSettings",
    "ValueSettings",
    "load_config",
    "read_settings",
]
