"""The embedded store: a durable S3 server on this machine with snapshots and copy-on-write forks."""

from __future__ import annotations

from explorer.localstore.life import Running, ensure_running, status, stop

__all__ = ["Running", "ensure_running", "status", "stop"]
