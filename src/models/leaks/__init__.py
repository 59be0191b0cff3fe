"""Detectors of leaks: ways in which what comes later gets into what is learnt from, looked for in a firm's own book."""

from appetence.models.leaks.report import LeakReport, find_leaks

__all__ = ["LeakReport", "find_leaks"]
