"""Keys for a job: a file only its owner can read, named in the job's environment and never shown."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

PROFILE = "job"

_ALLOWED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "XDG_*"),
    *("PYTHON*", "VIRTUAL_ENV", "CONDA_*", "LD_LIBRARY_PATH", "DYLD_*", "OMP_*", "MKL_*", "OPENBLAS_*"),
    *("CUDA_*", "NVIDIA_*", "ROCR_*", "HIP_*", "NCCL_*", "TORCH_HOME", "HF_HOME", "EXPLORER_DATA"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"),
)
"""What a job may inherit. Everything else, the screen's own keys first of all, stays outside."""

_SECRET = re.compile(
    rb"tsec_[A-Za-z0-9_+/=-]{8,}"
    rb"|(?i:aws_secret_access_key|aws_session_token|secret_access_key)[\"']?\s*[=:]\s*[\"']?([^\s\"']{8,})"
)
_SECRET_ARGUMENT = re.compile(r"(?i)(api[-_]?key|(^|[-_])token$|secret|passw(or)?d$|credentials?$)")


def write_credentials(folder: Path, keys: Mapping[str, str]) -> Path:
    """Write `credentials` (0600) in the ini form that every S3 client reads; an older one is replaced."""
    path = folder / "credentials"
    lines = [f"[{PROFILE}]"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        if keys.get(name):
            lines.append(f"{name.lower()} = {keys[name]}")
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(lines) + "\n")
    return path


def allowed_environment(environ: Mapping[str, str], also: Iterable[str] = ()) -> dict[str, str]:
    """The part of an environment that a job may see; `also` names more, `*` at the end is allowed."""
    patterns = (*_ALLOWED, *also)
    return {
        name: value
        for name, value in environ.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    }


def mask_secrets(text: bytes) -> bytes:
    """A log with what looks like a secret starred out, byte for byte, so that offsets stay true."""

    def starred(match: re.Match[bytes]) -> bytes:
        whole, secret = match[0], match[1] or match[0]
        return whole[: len(whole) - len(secret)] + b"*" * len(secret)

    return _SECRET.sub(starred, text)


def holds_secret(argv: Iterable[str]) -> bool:
    """Whether a command line seems to carry a secret, which then must not be written anywhere."""
    words = list(argv)
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        given = value if equals else word.startswith("-") and following and not following.startswith("-")
        if given and _SECRET_ARGUMENT.search(name):
            return True
    return False
