"""Many paintings from one plan: on this machine's cores, or on a cluster. Notebook 13.

    from helpers.exhibit import Plan, exhibit
    exhibit(Plan.read("plan.toml"))

or, from the command line, python do.py exhibit plan.toml
"""

from helpers.exhibit.engine import exhibit
from helpers.exhibit.plan import Plan

__all__ = ["Plan", "exhibit"]
