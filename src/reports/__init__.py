"""What advisors and managers read: self-contained pages, in French and English, made from published scores."""

from appetence.reports.data import PublishedScores, read_published
from appetence.reports.write import ReportIndex, write_reports

__all__ = ["PublishedScores", "ReportIndex", "read_published", "write_reports"]
