"""Following the progress of what waits for others: it only looks."""

from __future__ import annotations

from sealauthz.model.actions.common import Context
from sealauthz.model.progress import VIEW
from sealauthz.schema import actions, looks

ACTIONS = actions("JoinApplication", Context, VIEW, effect=looks)
