"""Files in a bucket of S3."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from itertools import chain
from typing import Any, Final
from uuid import uuid4

from attrs import field, frozen
from attrs.validators import ge

from demand_adapters.aws.batches import Positions, send
from demand_adapters.aws.calls import Aws, part
from demand_adapters.aws.errors import Refused, translated
from demand_adapters.file_keys import checked_key
from demand_core.errors import Transient, Unknown, WiringError
from demand_core.ports.file_store import StoredFile

PIECE_BYTES: Final = 64 * 1024
PART_BYTES_MIN: Final = 5 * 1024 * 1024
PAGE_MAX: Final = 1000

# A head has no body, and so no word of its own.
ABSENT: Final = frozenset({"NoSuchKey", "404"})
# Who holds a bucket's metadata can tell its own write from another with the same bytes.
WRITE: Final = "write"


@frozen(kw_only=True)
class S3FileStore:
    """Whole objects of one bucket.

    A file is sent and read by the part, and no part is kept. S3 takes 10,000 of them, and an
    upload that nobody ended costs until the bucket's own rule for such uploads removes it. A
    file of more than 5 GiB can't be copied.
    """

    aws: Aws
    bucket: str
    part_bytes: int = field(default=16 * 1024 * 1024, validator=ge(PART_BYTES_MIN))

    def find(self, key: str, /) -> StoredFile | None:
        """Ask for the head."""
        head = self._head(key)
        return None if head is None else _stored(key, head["ContentLength"], head)

    def list(
        self, prefix: str, /, *, after: str = "", limit: int = PAGE_MAX
    ) -> Sequence[StoredFile]:
        """Ask for one page, or until one has files: S3 may answer an empty one that goes on."""
        more: dict[str, str] = {"StartAfter": after} if after else {}
        page: Mapping[str, Any] = {"IsTruncated": True}
        while page["IsTruncated"] and not page.get("Contents"):
            page = self._call(
                "list_objects_v2", Prefix=prefix, MaxKeys=min(limit, PAGE_MAX), **more
            )
            more = {"ContinuationToken": page.get("NextContinuationToken", "")}
        return [_stored(told["Key"], told["Size"], told) for told in page.get("Contents", ())]

    def read(
        self, key: str, /, *, start: int = 0, length: int | None = None
    ) -> Iterator[bytes] | None:
        """Read a part now and the others when they are asked for, all of one etag."""
        if start < 0 or (length is not None and length < 0):
            raise WiringError(f"no file has {length} bytes from {start} on")
        checked_key(key)
        if length == 0:  # there is no range of nothing
            return None if self.find(key) is None else iter(())
        end = None if length is None else start + length
        try:
            first = self._part(key, start, end)
        except Refused as refusal:
            if refusal.code == "InvalidRange":
                return iter(())
            if refusal.code in ABSENT:
                return None
            raise
        return self._pieces(key, start, end, first)

    def put(
        self, key: str, pieces: Iterable[bytes], /, *, only_new: bool = False
    ) -> StoredFile | None:
        """Send it whole, or in parts if it is longer than one; the condition is S3's own."""
        checked_key(key)
        parts = _parts(pieces, self.part_bytes)
        first, second = next(parts), next(parts, None)
        condition = {"IfNoneMatch": "*"} if only_new else {}
        write = uuid4().hex
        if second is not None:
            return self._put_parts(key, chain((first, second), parts), condition, write)
        put = partial(
            self._once, "put_object", Key=key, Body=first, Metadata={WRITE: write}, **condition
        )
        return self._written(partial(_if_no_conflict, put), key, len(first), write)

    def copy(self, source: str, target: str, /) -> StoredFile | None:
        """Let S3 copy what stands there now; it copies nothing onto itself."""
        checked_key(target)
        there = self.find(source)
        if there is None or source == target:
            return there
        try:
            answer = self._call(
                "copy_object",
                Key=target,
                CopySource={"Bucket": self.bucket, "Key": source},
                CopySourceIfMatch=there.etag,
            )
        except Refused as refusal:
            if refusal.code in ABSENT:
                return None
            if refusal.code == "PreconditionFailed":
                raise Transient("the file was replaced before it was copied") from refusal
            raise
        return _stored(target, there.size, part(answer, "CopyObjectResult"))

    def delete(self, keys: Sequence[str], /) -> Sequence[int]:
        """Delete a thousand at once."""
        for key in keys:
            checked_key(key)

        def attempt(positions: Positions) -> Positions:
            objects = [{"Key": key} for key in dict.fromkeys(keys[n] for n in positions)]
            answer = self._once("delete_objects", Delete={"Objects": objects, "Quiet": True})
            remaining = {error["Key"] for error in answer.get("Errors", ())}
            return [n for n in positions if keys[n] in remaining]

        numbers = range(len(keys))
        together = [numbers[n : n + PAGE_MAX] for n in numbers[::PAGE_MAX]]
        return send(self.aws, together, attempt).answer(len(keys))

    def _head(self, key: str) -> Mapping[str, Any] | None:
        try:
            return self._call("head_object", Key=checked_key(key))
        except Refused as refusal:
            if refusal.code in ABSENT:
                return None
            raise

    def _part(
        self, key: str, at: int, end: int | None, **pin: str
    ) -> tuple[Mapping[str, Any], bytes]:
        """The bytes from *at* on, as many as a part has, with what S3 says of the file."""
        last = at + self.part_bytes if end is None else min(at + self.part_bytes, end)

        def once() -> tuple[Mapping[str, Any], bytes]:
            span = f"bytes={at}-{last - 1}"
            answer = self._once("get_object", Key=key, Range=span, **pin)
            with translated("s3.get_object", self.aws.clock), closing(answer["Body"]) as body:
                return answer, body.read()

        return self.aws.persist(once)

    def _pieces(
        self, key: str, at: int, end: int | None, first: tuple[Mapping[str, Any], bytes]
    ) -> Iterator[bytes]:
        answer, whole = first
        size = int(part(answer, "ContentRange").rpartition("/")[2])
        end = size if end is None else min(end, size)
        while True:
            for begin in range(0, len(whole), PIECE_BYTES):
                yield whole[begin : begin + PIECE_BYTES]
            at += len(whole)
            if at >= end:
                return
            try:
                _, whole = self._part(key, at, end, IfMatch=answer["ETag"])
            except Refused as refusal:
                if refusal.code in ABSENT | {"PreconditionFailed"}:
                    raise Transient("the file was replaced while it was read") from refusal
                raise

    def _put_parts(
        self, key: str, parts: Iterable[bytes], condition: Mapping[str, str], write: str
    ) -> StoredFile | None:
        begun = self._call("create_multipart_upload", Key=key, Metadata={WRITE: write})
        upload = {"Key": key, "UploadId": part(begun, "UploadId")}
        size, sent = 0, list[Mapping[str, Any]]()
        with ExitStack() as undo:
            undo.callback(self._abort, upload)
            for number, body in enumerate(parts, 1):
                told = self._call("upload_part", PartNumber=number, Body=body, **upload)
                size += len(body)
                sent.append({"PartNumber": number, "ETag": part(told, "ETag")})
            complete = partial(
                self._once,
                "complete_multipart_upload",
                MultipartUpload={"Parts": sent},
                **upload,
                **condition,
            )
            try:
                stored = self._written(complete, key, size, write)
            except Refused as refusal:
                if refusal.code == "ConditionalRequestConflict":
                    # S3 wants all parts once more, which only the caller has.
                    raise Transient("another write of the file was under way") from refusal
                raise
            if stored:
                undo.pop_all()
        return stored

    def _abort(self, upload: Mapping[str, Any]) -> None:
        with suppress(Transient, Refused):
            self._call("abort_multipart_upload", **upload)

    def _written(
        self, once: Callable[[], Mapping[str, Any]], key: str, size: int, write: str
    ) -> StoredFile | None:
        """What the last step of a write stored; None when another file was there."""
        try:
            return _stored(key, size, self.aws.persist(once))
        except Refused as refusal:
            if refusal.code not in {"PreconditionFailed", "NoSuchUpload"}:
                raise
            # A repeated write is refused because of its own first try, if that had no answer.
            head = self._head(key)
            if head and head["Metadata"].get(WRITE) == write:
                return _stored(key, size, head)
            if refusal.code == "NoSuchUpload":
                raise Unknown("the upload was ended, and another file stands there") from None
            return None

    def _call(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
        return self.aws.call("s3", operation, Bucket=self.bucket, **arguments)

    def _once(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
        return self.aws.once("s3", operation, Bucket=self.bucket, **arguments)


def _if_no_conflict(put: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """What *put* answers; another write that is under way is a matter of time."""
    try:
        return put()
    except Refused as refusal:
        if refusal.code == "ConditionalRequestConflict":
            raise Transient("another write of the file was under way") from refusal
        raise


def _parts(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """*pieces* in parts of *size*, the last one shorter; at least one."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) > size:
            yield bytes(held[:size])
            del held[:size]
    yield bytes(held)


def _stored(key: str, size: int, told: Mapping[str, Any]) -> StoredFile:
    return StoredFile(key=key, size=size, etag=part(told, "ETag").strip('"'))
