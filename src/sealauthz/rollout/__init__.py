"""Shipping policies: archives of bundles, what may be done with them, and the processes that follow."""

from sealauthz.rollout.archive import Archive, load_archive
from sealauthz.rollout.following import Following
from sealauthz.rollout.shipping import Shipping
from sealauthz.rollout.signatures import Signers

__all__ = ["Archive", "Following", "Shipping", "Signers", "load_archive"]
