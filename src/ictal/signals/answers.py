"""What an object store answers, and the one error for each way in which it may not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from obstore import exceptions

from ictal.errors import InputError

_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")
_NO_ACCESS = (
    "403 Forbidden",
    "401 Unauthorized",
    "/latest/api/token",
    "metadata.google.internal",
    "/metadata/identity",
)
"""The latter three where no credentials were given, and the machine is asked for those of its role."""
_PAST_THE_END = "416 Range Not Satisfiable"


class PastTheEnd(Exception):  # noqa: N818 - an answer, not a fault
    """A range begins where the object has ended."""


@contextmanager
def asked(url: str) -> Iterator[None]:
    """Whatever is asked inside is answered, or one error says what is wrong.

    Raises:
        FileNotFoundError: if there is no such object.
        InputError: if there is no such bucket (code `store-bucket`), if this machine may not use it (`store-access`),
            or if it does not answer as it should (`store-unreachable`).
    """
    try:
        yield
    except exceptions.AlreadyExistsError:
        raise
    except FileNotFoundError as error:
        if any(sign in str(error) for sign in _NO_BUCKET):
            raise _no_bucket(url, error) from error
        raise
    except (PermissionError, exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise _no_access(url, error) from error
    except exceptions.BaseError as error:
        said = str(error)
        if _PAST_THE_END in said:
            raise PastTheEnd from error
        if any(sign in said for sign in _NO_BUCKET):
            raise _no_bucket(url, error) from error
        if any(sign in said for sign in _NO_ACCESS):
            raise _no_access(url, error) from error
        raise _unreachable(url, error) from error


def _no_bucket(url: str, error: BaseException) -> InputError:
    return InputError(
        "There is no such bucket",
        where=url,
        got=_short(error),
        expected="a bucket that exists; the prefix is made by writing to it",
        remedy="make the bucket, or correct machine.store",
        code="store-bucket",
    )


def _no_access(url: str, error: BaseException) -> InputError:
    return InputError(
        "The bucket may not be used from here",
        where=url,
        got=_short(error),
        expected="credentials that may list, read and write it",
        remedy=(
            "set them in the environment (s3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, gs: "
            "GOOGLE_APPLICATION_CREDENTIALS, az: AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY), "
            "or give this machine a role that has them"
        ),
        code="store-access",
    )


def _unreachable(url: str, error: BaseException) -> InputError:
    return InputError(
        "The bucket does not answer as it should",
        where=url,
        got=_short(error),
        expected="an answer within a minute of trying",
        remedy=(
            "look at network, region and endpoint (s3: AWS_REGION, AWS_ENDPOINT_URL); "
            "what was done is kept, and the same command goes on from there"
        ),
        code="store-unreachable",
    )


def _short(error: BaseException) -> str:
    """What the library says, without the inside of its own structures."""
    return " ".join(str(error).partition("Debug source:")[0].split())[:400]
