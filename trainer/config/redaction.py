"""Settings without the credentials that a URI may carry, so that they can be shown to others.

In: a run's settings as plain data. Out: the same with `user:secret@` and `?signature=...` of each URI covered. Keys and
tokens have no field in the schema, so a URI is the only place where a secret can slip in.
"""

import re
from typing import Any

_USER = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"(?<=\?)[\w.%-]+=\S*")


def without_credentials(value: Any) -> Any:
    """A copy of lists, dicts and strings in which every URI has lost its user part and its query."""
    if isinstance(value, dict):
        return {key: without_credentials(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_credentials(item) for item in value]
    if isinstance(value, str) and "://" in value:
        return _QUERY.sub("***", _USER.sub("***@", value))
    return value
