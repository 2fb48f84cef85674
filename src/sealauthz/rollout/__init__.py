"""Shipping policies: archives of bundles, and the processes that follow what is proposed and activated."""

from sealauthz.rollout.archive import Archive, load_archive
from sealauthz.rollout.following import Following

__all__ = ["Archive", "Following", "load_archive"]
