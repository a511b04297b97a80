"""Which metric to show when nobody named one, and which way is better."""

from __future__ import annotations

import re
from collections.abc import Collection

from explorer.errors import BadInput, nearest

VALIDATION = ("val_loss", "eval_loss", "validation_loss", "valid_loss", "val/loss", "eval/loss", "test_loss")
TRAINING = ("loss", "train_loss", "train/loss", "training_loss", "lm_loss")
NOT_CURVES = frozenset({"epoch", "tokens", "num_input_tokens_seen", "total_flos", "lr", "learning_rate"})

_LOSS_LIKE = re.compile(
    r"loss|nll|perplexity|ppl|error|(?:^|[_/])(?:mse|mae|rmse|wer|cer|bpb|bits)", re.IGNORECASE
)
_UP = re.compile(
    r"acc|f1|auc|bleu|rouge|reward|score|precision|recall|(?:^|[_/])(?:map|r2|em|exact_match|win_rate)(?:$|[_/@])",
    re.IGNORECASE,
)


def default_metric(names: Collection[str]) -> str | None:
    """A validation loss if there is one, else the training loss, else whatever looks most like a loss."""
    for known in (*VALIDATION, *TRAINING):
        if known in names:
            return known
    ranked = sorted(
        names, key=lambda n: (n in NOT_CURVES, _LOSS_LIKE.search(n) is None, _UP.search(n) is None, len(n), n)
    )
    return ranked[0] if ranked else None


def pick_metric(wanted: str | None, names: Collection[str]) -> str:
    """The metric asked for, or the default one.

    Raises:
        BadInput: nobody logged it; the hint names the nearest that were.
    """
    if wanted is None:
        found = default_metric(names)
        if found is None:
            hint = "metrics are read from `runs/<run>/metrics.jsonl`; log some with `run.log(step=…, loss=…)`"
            raise BadInput("None of these nodes has metrics.", hint=hint)
        return found
    if wanted not in names:
        known = ", ".join(sorted(names)[:8]) or "none"
        raise BadInput(
            f"None of these nodes has the metric `{wanted}`.",
            hint=nearest(wanted, names, f"there is: {known}"),
        )
    return wanted


def rises(metric: str) -> bool:
    """Whether higher is better: an accuracy or a reward; anything that looks like a loss is not."""
    return _LOSS_LIKE.search(metric) is None and _UP.search(metric) is not None
