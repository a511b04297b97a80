"""Who may do what: policies, roles, and the decision about one request. Pure: no clock, no files."""

from explorer.access.abilities import Row, matrix
from explorer.access.actions import SUPPORTED
from explorer.access.conditions import Circumstances
from explorer.access.documents import Condition, Effect, Policy, Statement, bucket_arn, objects_arn
from explorer.access.evaluation import Decision, Grants, Verdict, decide, decide_all, decide_iam, may_see
from explorer.access.linting import Finding, lint
from explorer.access.operations import Operation, needs
from explorer.access.parsing import parse_policy, read_stored
from explorer.access.presets import Preset, Window, job_policy
from explorer.access.roles import BucketRole, Role, parse_role

__all__ = [
    "SUPPORTED",
    "BucketRole",
    "Circumstances",
    "Condition",
    "Decision",
    "Effect",
    "Finding",
    "Grants",
    "Operation",
    "Policy",
    "Preset",
    "Role",
    "Row",
    "Statement",
    "Verdict",
    "Window",
    "bucket_arn",
    "decide",
    "decide_all",
    "decide_iam",
    "job_policy",
    "lint",
    "matrix",
    "may_see",
    "needs",
    "objects_arn",
    "parse_policy",
    "parse_role",
    "read_stored",
]
