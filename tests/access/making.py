"""Policy documents for the tests: by hand, and by hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from explorer.access import SUPPORTED

ACTIONS = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:ListBucket",
    "s3:DeleteObject",
    "s3:Get*",
    "s3:*",
    "*",
    "s3:?etObject",
]
RESOURCES = [
    "*",
    "arn:aws:s3:::a",
    "arn:aws:s3:::a/*",
    "arn:aws:s3:::b/x",
    "arn:aws:s3:::?/*",
    "arn:aws:s3:::*",
]


def document(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def statement(**blocks: Any) -> dict[str, Any]:
    """An Allow of GetObject on `a/*`, with the blocks given in its place."""
    told: dict[str, Any] = {"Effect": "Allow"}
    told |= (
        {}
        if "NotAction" in blocks and "Action" not in blocks and len(blocks) > 1
        else {"Action": "s3:GetObject"}
    )
    told |= {} if "NotResource" in blocks else {"Resource": "arn:aws:s3:::a/*"}
    return told | blocks


def _one_or_more(choices: list[str]) -> st.SearchStrategy[Any]:
    return st.sampled_from(choices) | st.lists(st.sampled_from(choices), min_size=1, max_size=3)


def _condition() -> st.SearchStrategy[dict[str, Any]]:
    dates = st.dictionaries(
        st.sampled_from(["DateLessThan", "DateGreaterThanEquals", "DateNotEquals"]),
        st.fixed_dictionaries(
            {"aws:CurrentTime": _one_or_more(["2026-01-01T00:00:00Z", "2027-06-01", "1800000000"])}
        ),
        max_size=2,
    )
    places = st.dictionaries(
        st.sampled_from(["IpAddress", "NotIpAddress"]),
        st.fixed_dictionaries(
            {"aws:SourceIp": _one_or_more(["10.0.0.0/8", "::1", "2001:db8::/32", "0.0.0.0/0"])}
        ),
        max_size=2,
    )
    return st.builds(lambda d, p: d | p, dates, places)


statements: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda effect, action, actions, resource, resources, condition: {
        "Effect": effect,
        action: actions,
        resource: resources,
        **({"Condition": condition} if condition else {}),
    },
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(["Action", "Action", "NotAction"]),
    _one_or_more([*ACTIONS, *SUPPORTED]),
    st.sampled_from(["Resource", "Resource", "NotResource"]),
    _one_or_more(RESOURCES),
    _condition(),
)
policies: st.SearchStrategy[dict[str, Any]] = st.lists(statements, min_size=1, max_size=4).map(
    lambda told: document(*told)
)
