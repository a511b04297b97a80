"""Checkpoints read ahead of need: planned, fetched in parts, kept on this disk, shown to jobs as files."""

from explorer.prefetch.cache import Cache, Entry
from explorer.prefetch.linking import inside
from explorer.prefetch.plan import choose_objects
from explorer.prefetch.plans import Plan, Plans
from explorer.prefetch.worker import Prefetcher

__all__ = ["Cache", "Entry", "Plan", "Plans", "Prefetcher", "choose_objects", "inside"]
