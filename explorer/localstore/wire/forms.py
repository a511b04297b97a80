"""A browser's form, multipart/form-data (RFC 7578), as it comes: its fields, and then the bytes of its file.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/HTTPPOSTForms.html
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.bodies import raw_body
from explorer.localstore.wire.request import Request

MAX_FIELD_BYTES = 20 << 10
"""S3's limit for all that comes before the file, names and values together."""
_MAX_FIELDS = 200
_MAX_AHEAD_BYTES = 4 << 20
"""How much is read in search of a file from somebody who has not proven anything yet."""

# It logs each malformed form as a warning, which anybody could fill the disk with.
logging.getLogger("python_multipart").setLevel(logging.ERROR)


class Form:
    """Reads one request: `read_fields` up to the file, then `file` to the end of the form.

    Field names are lower-case, for S3 knows them in any case.
    """

    def __init__(self, request: Request) -> None:
        """Raises:
        Refusal: RequestIsNotMultiPartContent, MalformedPOSTRequest, MissingContentLength.
        """
        kind, options = parse_options_header(request.headers.get("content-type"))
        if kind != b"multipart/form-data":
            raise Refusal(
                "RequestIsNotMultiPartContent",
                "Bucket POST must be of the enclosure-type multipart/form-data.",
            )
        if request.content_length() is None:
            raise Refusal("MissingContentLength", "You must provide the Content-Length HTTP header.")
        boundary = options.get(b"boundary")
        if not boundary:
            raise _malformed()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._add_header_name,
                    "on_header_value": self._add_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._begin_data,
                    "on_part_data": self._add_data,
                    "on_part_end": self._end,
                    "on_end": self._end_form,
                },
            )
        except FormParserError:
            raise _malformed() from None
        self.fields: dict[str, bytes] = {}
        self.filename = b""
        self._body = raw_body(request)
        self._taken_bytes = 0
        self._has_file = self._has_ended = False
        self._in_file = False
        self._pieces: list[memoryview] = []
        self._start_part()

    async def read_fields(self) -> None:
        """Read up to the first byte of the file.

        Raises:
            Refusal: there is no file, the fields are too many or too long, or this is no form.
        """
        read = 0
        while not self._has_file:
            read += await self._more()
            if self._has_ended and not self._has_file:
                raise _not_one_file()
            if read > _MAX_AHEAD_BYTES and not self._has_file:
                raise _too_large()

    async def file(self) -> AsyncIterator[memoryview]:
        """The file's bytes. What comes behind it is read and left out, as S3 does.

        Raises:
            Refusal: there is a second file, or the form does not end.
        """
        while True:
            pieces, self._pieces = self._pieces, []
            for piece in pieces:
                yield piece
            if self._has_ended:
                break
            await self._more()
        async for _ in self._body:  # an epilogue, which nobody reads
            pass

    async def _more(self) -> int:
        piece = await anext(self._body, None)
        if piece is None:
            raise _malformed()
        try:
            self._parser.write(piece)
        except FormParserError:
            raise _malformed() from None
        return len(piece)

    def _start_part(self) -> None:
        self._name = b""
        self._value = bytearray()
        self._header_name, self._header_value = b"", b""
        self._disposition = b""

    def _begin(self) -> None:
        self._start_part()

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name, self._header_value = b"", b""

    def _begin_data(self) -> None:
        kind, options = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in options:
            raise _malformed()
        self._name = options[b"name"].lower()
        if self._name == b"file":
            if self._has_file:
                raise _not_one_file()
            self.filename = options.get(b"filename", b"")
            self._has_file = self._in_file = True
        elif not self._has_file:
            self._count(len(self._name))
            if len(self.fields) >= _MAX_FIELDS:
                raise _too_large()

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._pieces.append(memoryview(data)[start:end])
        elif not self._has_file:
            self._count(end - start)
            self._value += data[start:end]

    def _count(self, size: int) -> None:
        self._taken_bytes += size
        if self._taken_bytes > MAX_FIELD_BYTES:
            raise _too_large()

    def _end(self) -> None:
        if self._in_file or self._has_file:
            self._in_file = False
            return
        name = self._name.decode("utf-8", "replace")
        if name in self.fields:
            # Which of the two a condition was about, and which one counts, must not be two answers.
            raise Refusal("InvalidArgument", "A field of the form came twice.", ArgumentName=name)
        self.fields[name] = bytes(self._value)

    def _end_form(self) -> None:
        self._has_ended = True


def _malformed() -> Refusal:
    return Refusal(
        "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data."
    )


def _not_one_file() -> Refusal:
    return Refusal(
        "IncorrectNumberOfFilesInPostRequest", "POST requires exactly one file upload per request."
    )


def _too_large() -> Refusal:
    return Refusal(
        "MaxPostPreDataLengthExceeded",
        "Your POST request fields preceding the upload file were too large.",
        MaxPostPreDataLength=str(MAX_FIELD_BYTES),
    )
