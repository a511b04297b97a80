"""What the server answers when it will not do something: an S3 error code, its status, a sentence."""

from __future__ import annotations

STATUS = {
    "AccessDenied": 403,
    "AuthorizationHeaderMalformed": 400,
    "AuthorizationQueryParametersError": 400,
    "BadDigest": 400,
    "BucketAlreadyExists": 409,
    "BucketAlreadyOwnedByYou": 409,
    "BucketNotEmpty": 409,
    "DeleteConflict": 409,
    "EntityAlreadyExists": 409,
    "EntityTooLarge": 400,
    "EntityTooSmall": 400,
    "IncompleteBody": 400,
    "IncorrectNumberOfFilesInPostRequest": 400,
    "InsufficientStorage": 507,
    "InternalError": 500,
    "InvalidAccessKeyId": 403,
    "InvalidArgument": 400,
    "InvalidBucketName": 400,
    "InvalidDigest": 400,
    "InvalidPart": 400,
    "InvalidPartNumber": 416,
    "InvalidPartOrder": 400,
    "InvalidPolicyDocument": 400,
    "InvalidRange": 416,
    "InvalidRequest": 400,
    "InvalidTag": 400,
    "InvalidURI": 400,
    "KeyTooLongError": 400,
    "MalformedPOSTRequest": 400,
    "MalformedPolicy": 400,
    "MalformedPolicyDocument": 400,
    "MalformedXML": 400,
    "MaxPostPreDataLengthExceeded": 400,
    "MetadataTooLarge": 400,
    "MethodNotAllowed": 405,
    "MissingContentLength": 411,
    "NoSuchBucket": 404,
    "NoSuchBucketPolicy": 404,
    "NoSuchConfiguration": 404,
    "NoSuchCORSConfiguration": 404,
    "NoSuchEntity": 404,
    "NoSuchKey": 404,
    "NoSuchLifecycleConfiguration": 404,
    "NoSuchPublicAccessBlockConfiguration": 404,
    "NoSuchSnapshot": 404,
    "NoSuchTagSet": 404,
    "NoSuchUpload": 404,
    "NoSuchVersion": 404,
    "NoSuchWebsiteConfiguration": 404,
    "NotImplemented": 501,
    "NotModified": 304,
    "ObjectLockConfigurationNotFoundError": 404,
    "OwnershipControlsNotFoundError": 404,
    "PreconditionFailed": 412,
    "ReplicationConfigurationNotFoundError": 404,
    "RequestIsNotMultiPartContent": 412,
    "RequestTimeTooSkewed": 403,
    "ServerSideEncryptionConfigurationNotFoundError": 404,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "UserKeyMustBeSpecified": 400,
    "ValidationError": 400,
    "XAmzContentChecksumMismatch": 400,
    "XAmzContentSHA256Mismatch": 400,
}


class Refusal(Exception):
    """A request that is not granted: `code` is the S3 error code that clients switch on.

    It never leaves this room: the wire turns it into an answer, everything else into `explorer.errors`.
    """

    def __init__(
        self, code: str, message: str, *, headers: tuple[tuple[str, str], ...] = (), **details: str
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = STATUS[code]
        self.headers = headers
        self.details = details


def no_such_bucket(name: str) -> Refusal:
    return Refusal("NoSuchBucket", "The specified bucket does not exist", BucketName=name)


def not_implemented(what: str) -> Refusal:
    return Refusal("NotImplemented", f"{what} is not implemented by the local store.")


def no_such_key(key: bytes) -> Refusal:
    text = key.decode("utf-8", "replace")
    return Refusal("NoSuchKey", "The specified key does not exist.", Key=text)
