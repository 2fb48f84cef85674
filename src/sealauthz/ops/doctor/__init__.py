"""Looking at an installation: configuration, database, policies, keys and certificates, and what to do about each.

`findings` runs the checks, the other modules hold them. Nothing here writes, and nothing that is found holds a secret.
"""

from sealauthz.ops.doctor.examination import examine
from sealauthz.ops.doctor.findings import Check, Finding, Level, run

__all__ = ["Check", "Finding", "Level", "examine", "run"]
