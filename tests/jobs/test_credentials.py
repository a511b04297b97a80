"""What a job may know, and what nobody else may see."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.jobs.credentials import allowed_environment, holds_secret, mask_secrets, write_credentials


def test_the_screens_own_keys_stay_outside() -> None:
    screen = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "CUDA_VISIBLE_DEVICES": "1",
        "AWS_ACCESS_KEY_ID": "admin",
        "AWS_SECRET_ACCESS_KEY": "admin",
        "AWS_PROFILE": "admin",
        "TIGRIS_STORAGE_SECRET_ACCESS_KEY": "admin",
        "WANDB_API_KEY": "k",
        "EXPLORER_RUN": "r0",
    }
    assert set(allowed_environment(screen)) == {"PATH", "LC_ALL", "CUDA_VISIBLE_DEVICES"}
    assert set(allowed_environment(screen, ("WANDB_*",))) >= {"WANDB_API_KEY"}


def test_credentials_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    path = write_credentials(tmp_path, {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"})
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == "[job]\naws_access_key_id = a\naws_secret_access_key = s\n"
    path.chmod(0o644)
    write_credentials(tmp_path, {"AWS_ACCESS_KEY_ID": "b", "AWS_SECRET_ACCESS_KEY": "s"})
    assert path.stat().st_mode & 0o777 == 0o600


def test_secrets_in_a_log_are_starred_byte_for_byte() -> None:
    text = b"key tsec_abcdefgh12345678 then AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7 \xff and loss 0.5"
    masked = mask_secrets(text)
    assert len(masked) == len(text)
    assert b"tsec_a" not in masked
    assert b"wJalr" not in masked
    assert masked.startswith(b"key ****")
    assert masked.endswith(b"\xff and loss 0.5")


@pytest.mark.parametrize(
    ("argv", "secret"),
    [
        (["t", "--wandb-api-key", "abc"], True),
        (["t", "--hf_token=abc"], True),
        (["t", "--password", "abc"], True),
        (["env", "SECRET=1", "t"], True),
        (["t", "--tokenizer", "gpt2", "--max_tokens=100"], False),
        (["python", "secrets_demo.py", "--lr", "0.1"], False),
        (["t", "--token", "--fast"], False),
    ],
)
def test_a_command_line_with_a_secret_is_not_recorded(argv: list[str], secret: bool) -> None:
    assert holds_secret(argv) is secret
