"""A blob shown under another name: by shared blocks where the file system can, else by link, else copied."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from pathlib import Path

_FICLONE = 0x40049409
"""linux/fs.h: _IOW(0x94, 9, int). A clone is the job's own to write to; a hard link is the blob itself."""


def link(blob: Path, path: Path) -> str:
    """Make `path` show the blob's bytes; returns `clone`, `link` or `copy`. Raises OSError."""
    if _clone(blob, path):
        return "clone"
    try:
        os.link(blob, path)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
        shutil.copy2(blob, path)
        path.chmod(0o644)
        return "copy"
    return "link"


def _clone(blob: Path, path: Path) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl

    source = os.open(blob, os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            fcntl.ioctl(target, _FICLONE, source)
            stat = os.fstat(source)
            os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        except OSError:
            path.unlink()
            return False
        finally:
            os.close(target)
    finally:
        os.close(source)
    return True


def inside(folder: Path, key: str) -> Path | None:
    """The file of a key under `folder`; None for a key that would leave it or is no file name."""
    names = key.split("/")
    if any(name in ("", ".", "..") or "\0" in name or len(name.encode()) > 255 for name in names):
        return None
    return folder.joinpath(*names)
