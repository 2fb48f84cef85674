"""The words of records that lists of the log are filtered by; loading it costs nothing, for commands that only ask."""

from __future__ import annotations

import re

EFFECTS = ("ALLOW", "DENY", "LIST", "MIXED", "ERROR")
"""The effects that a record may have."""

is_reason_code = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII).fullmatch
"""Whether a text may be the code of a reason. Which ones there are is not known: older policies had others."""

is_kind = re.compile(r"[A-Z][A-Za-z]*", re.ASCII).fullmatch
"""Whether a text may say of what kind a record is, such as `Authorize`. Newer releases may have others."""
