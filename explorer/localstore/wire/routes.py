"""Which operation a request is. Names are S3's own, and Tigris' for what S3 does not have."""

from __future__ import annotations

from explorer.localstore.wire.request import Request

_ON_BUCKET = {
    "abac": "BucketAbac",
    "accelerate": "BucketAccelerateConfiguration",
    "acl": "BucketAcl",
    "analytics": "BucketAnalyticsConfiguration",
    "cors": "BucketCors",
    "encryption": "BucketEncryption",
    "intelligent-tiering": "BucketIntelligentTieringConfiguration",
    "inventory": "BucketInventoryConfiguration",
    "lifecycle": "BucketLifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "metrics": "BucketMetricsConfiguration",
    "notification": "BucketNotificationConfiguration",
    "object-lock": "ObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "PublicAccessBlock",
    "replication": "BucketReplication",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
_ON_OBJECT = {
    "acl": "ObjectAcl",
    "annotation": "ObjectAnnotation",
    "attributes": "ObjectAttributes",
    "legal-hold": "ObjectLegalHold",
    "retention": "ObjectRetention",
    "tagging": "ObjectTagging",
    "torrent": "ObjectTorrent",
}
_NAMED = {
    ("GET", "session"): "CreateSession",
    ("DELETE", "lifecycle"): "DeleteBucketLifecycle",
    ("POST", "metadataConfiguration"): "CreateBucketMetadataConfiguration",
    ("GET", "metadataConfiguration"): "GetBucketMetadataConfiguration",
    ("DELETE", "metadataConfiguration"): "DeleteBucketMetadataConfiguration",
    ("POST", "metadataTable"): "CreateBucketMetadataTableConfiguration",
    ("GET", "metadataTable"): "GetBucketMetadataTableConfiguration",
    ("DELETE", "metadataTable"): "DeleteBucketMetadataTableConfiguration",
    ("PUT", "metadataAnnotationTable"): "UpdateBucketMetadataAnnotationTableConfiguration",
    ("PUT", "metadataInventoryTable"): "UpdateBucketMetadataInventoryTableConfiguration",
    ("PUT", "metadataJournalTable"): "UpdateBucketMetadataJournalTableConfiguration",
}
"""Names that are not a verb and what it is about."""
_NAMED_ON_OBJECT = {
    ("PUT", "encryption"): "UpdateObjectEncryption",
    # S3's RenameObject is for its directory buckets; the one of that name here is Tigris'.
    ("PUT", "renameObject"): "ExpressRenameObject",
}
_MANY = ("analytics", "intelligent-tiering", "inventory", "metrics")
"""A bucket has several configurations of these: without an id they are listed."""
_VERB = {"GET": "Get", "PUT": "Put", "DELETE": "Delete", "HEAD": "Head", "POST": "Post", "PATCH": "Patch"}


def operation(request: Request) -> str:
    """The name of the operation, whether or not it is offered here."""
    if request.bucket is None:
        return _on_service(request)
    return _on_bucket(request) if request.key is None else _on_object(request)


def _on_service(request: Request) -> str:
    headers, query = request.headers, request.query
    if request.method == "GET":
        if "x-tigris-snapshot" in headers:
            return "ListSnapshots"
        if "x-tigris-fork" in headers:
            return "ListForks"
        return "ListDeletedBuckets" if query.get("OnlyDeleted") == "true" else "ListBuckets"
    if request.method == "POST" and query.get("func") == "presign":
        return "Presign"
    if request.method == "POST" and "store" in query:
        return {"check": "CheckStore", "gc": "SweepStore"}.get(query["store"], "Store")
    if request.method == "POST":
        return "Iam"
    return f"{_VERB.get(request.method, request.method)}Service"


def _on_bucket(request: Request) -> str:
    method, query = request.method, request.query
    named = _named(_NAMED, request)
    if named is not None:
        return named
    subresource = next((name for name in _ON_BUCKET if name in query), None)
    if subresource is not None:
        if method == "GET" and subresource in _MANY and "id" not in query:
            return f"List{_ON_BUCKET[subresource]}s"
        return _VERB.get(method, method) + _ON_BUCKET[subresource]
    match method:
        case "PUT":
            return _put_bucket(request)
        case "DELETE":
            return "DeleteSnapshot" if "x-tigris-snapshot-version" in request.headers else "DeleteBucket"
        case "HEAD":
            return "HeadBucket"
        case "PATCH":
            return "UpdateBucket"
        case "GET":
            if "uploads" in query:
                return "ListMultipartUploads"
            if "versions" in query:
                return "ListObjectVersions"
            if query.get("list-type") == "2":
                return "ListObjectsV2"
            # behind the listings, of which MinIO's clients ask for metadata=true
            return "GetBucketMetadata" if "metadata" in query else "ListObjects"
        case "POST":
            for name, found in (
                ("delete", "DeleteObjects"),
                ("bundle", "BundleObjects"),
                ("restore", "RestoreBucket"),
            ):
                if name in query:
                    return found
            return "PostObject" if request.bucket != "WriteGetObjectResponse" else "WriteGetObjectResponse"
    return f"{method}Bucket"


def _named(names: dict[tuple[str, str], str], request: Request) -> str | None:
    found = (name for (verb, part), name in names.items() if verb == request.method and part in request.query)
    return next(found, None)


def _put_bucket(request: Request) -> str:
    """One request line, five meanings; which header wins is Tigris' order."""
    headers = request.headers
    if "x-tigris-merge-source-bucket" in headers:
        return "MergeFork"
    if request.flag("x-tigris-rebase"):
        return "RebaseFork"
    if headers.get("x-tigris-snapshot", "").startswith("true"):
        return "TakeSnapshot"
    return "ForkBucket" if "x-tigris-fork-source-bucket" in headers else "CreateBucket"


def _on_object(request: Request) -> str:
    method, query, headers = request.method, request.query, request.headers
    named = _named(_NAMED_ON_OBJECT, request)
    if named is not None:
        return named
    subresource = next((name for name in _ON_OBJECT if name in query), None)
    if subresource is not None:
        if method == "GET" and subresource == "annotation" and "annotationName" not in query:
            return "ListObjectAnnotations"
        return _VERB.get(method, method) + _ON_OBJECT[subresource]
    upload = "uploadId" in query
    copying = "x-amz-copy-source" in headers
    match method:
        case "GET":
            return "ListParts" if upload else "GetObject"
        case "HEAD":
            return "HeadObject"
        case "PUT":
            if upload or "partNumber" in query:
                return "UploadPartCopy" if copying else "UploadPart"
            if copying:
                return "RenameObject" if request.flag("x-tigris-rename") else "CopyObject"
            return "PutObject"
        case "DELETE":
            return "AbortMultipartUpload" if upload else "DeleteObject"
        case "POST":
            if "uploads" in query:
                return "CreateMultipartUpload"
            if upload:
                return "CompleteMultipartUpload"
            if "restore" in query:
                return "RestoreObject"
            return "SelectObjectContent" if "select" in query else "PostObject"
        case "PATCH":
            return "PatchObject"
    return f"{method}Object"
