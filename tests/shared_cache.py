"""The cache of loaded bundles that the processes share which tests start: a load is most of what such a process does.

What it holds is named by everything that a bundle is made of, this code included, so runs may share it, too. In the
process of the tests itself there is no cache: `conftest.py` compiles once there.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

SHARED_CACHE = {"SEALAUTHZ_CACHE": str(Path(tempfile.gettempdir()) / f"sealauthz-tests-{os.getuid()}")}
"""What to add to the environment of a process."""
