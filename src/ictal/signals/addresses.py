"""Where a store is, from how it is named in the settings."""

from __future__ import annotations

from pathlib import Path

from ictal.errors import InputError, check_setting
from ictal.signals.folder import Folder
from ictal.signals.places import Place

SCHEMES = ("s3", "gs", "az")


def place_of(address: str, cache: Path, cache_bytes: int) -> Place:
    """The place that an address names: a folder, or a bucket's prefix as `s3://bucket/prefix`, `gs://`, `az://`.

    Args:
        address: The address.
        cache: Folder of this machine for what it keeps of a bucket.
        cache_bytes: Most that copies of recordings take there.

    Raises:
        InputError: if it is none of these (code `config-value`), or what speaks with buckets is not installed
            (`store-extra`).
    """
    scheme, url, rest = address.partition("://")
    if not url:
        return Folder(root=Path(address))
    bucket = rest.partition("/")[0]
    expected = "a folder, or s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX"
    check_setting(scheme in SCHEMES and bool(bucket), "machine.store", address, expected)
    try:
        from ictal.signals.bucket import Bucket  # noqa: PLC0415 - an extra, needed for buckets alone
    except ImportError as error:
        raise InputError(
            "A store in a bucket needs a package that is not installed",
            where=address,
            got=str(error),
            expected="obstore",
            remedy="pip install 'ictal[cloud]'",
            code="store-extra",
        ) from error
    return Bucket(url=address.rstrip("/"), own=cache, cache_bytes=cache_bytes)


def absolute(address: str) -> str:
    """The address as it can be used from any folder; `~` is the user's home, as in a shell."""
    return address if "://" in address else str(Path(address).expanduser().absolute())
