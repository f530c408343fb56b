"""What Kubernetes' API takes and gives, in Python."""

from typing import Any

Object = dict[str, Any]
"""One object, as in its YAML or JSON."""
