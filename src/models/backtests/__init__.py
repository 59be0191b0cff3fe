"""Judging over rolling origins: the whole procedure run as of many dates, with all figures and their intervals."""
