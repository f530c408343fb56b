"""What W&B's server has of a run, asked without wandb-core.

That one would go on asking a server that is away, also when nobody waits any more.
"""

import base64
import http.client
import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import wandb
from wandb.sdk import wandb_setup

from trainer.errors import ConfigError, InputError

PATIENCE = 15
"""Seconds for the server's answer to one request."""
_MOST_ANSWER = 16 << 20
"""Bytes of it."""
NOTHING_LOST = "nothing is lost, and the same command goes on"

_QUERY = """query StageOnServer($entity: String, $project: String, $run: String!) {
  model(name: $project, entityName: $entity) { bucket(name: $run, missingOk: true) { state historyTail } }
}"""


@dataclass(frozen=True, slots=True)
class Known:
    """What the server has of a W&B run."""

    last_step: int = -1
    state: str = ""


def log_in() -> None:
    """Use the key that is configured; nobody is asked for one.

    Raises:
        ConfigError: there is none.
    """
    if not wandb.login(prompt=False, verify=False):
        raise ConfigError("WANDB_API_KEY", "there is no key for W&B", "set it, or run `wandb login`")


class Server:
    """W&B's, with the key that is configured."""

    def __init__(self) -> None:
        os.environ.setdefault("WANDB_SILENT", "true")
        log_in()
        settings = wandb_setup.singleton().settings  # `wandb.setup` starts W&B's process, and lends it to `wandb sync`
        self.url = settings.base_url
        self._key = settings.api_key

    def known(self, run: Any) -> Known:
        """What it has of a run.

        Raises:
            InputError: it does not answer, or refuses.
        """
        asked = {"entity": run.entity or None, "project": run.project, "run": run.run_id}
        answer = self._asked({"query": _QUERY, "operationName": "StageOnServer", "variables": asked})
        try:
            bucket = ((answer.get("data") or {}).get("model") or {}).get("bucket")
            if not bucket:
                return Known()
            tail = [json.loads(line) for line in json.loads(bucket["historyTail"] or "[]")]
            return Known(max((int(row.get("_step", -1)) for row in tail), default=-1), str(bucket["state"] or ""))
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            remedy = f"check WANDB_BASE_URL; {NOTHING_LOST}"
            raise InputError(self.url, "what answers there does not speak as W&B", remedy) from error

    def _asked(self, question: dict[str, Any]) -> dict[str, Any]:
        key = base64.b64encode(f"api:{self._key}".encode()).decode()
        headers = {"Authorization": f"Basic {key}", "Content-Type": "application/json", "User-Agent": "berth"}
        request = urllib.request.Request(f"{self.url}/graphql", json.dumps(question).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=float(os.environ.get("WANDB_HTTP_TIMEOUT", PATIENCE))) as got:
                return json.loads(_whole(got))
        except urllib.error.HTTPError as error:
            refused = error.code in (401, 403)
            problem = f"W&B refuses the key (HTTP {error.code})" if refused else f"W&B is not well (HTTP {error.code})"
            remedy = "check WANDB_API_KEY and what it may do" if refused else "wait a little"
            raise InputError(self.url, problem, f"{remedy}; {NOTHING_LOST}") from error
        except (OSError, ValueError, RecursionError, http.client.HTTPException) as error:
            # Not reached, cut off, silent; not JSON; not HTTP.
            reason = getattr(error, "reason", None) or error
            remedy = f"check the network and WANDB_BASE_URL; {NOTHING_LOST}"
            raise InputError(self.url, f"W&B does not answer ({reason})", remedy) from error


def _whole(answer: http.client.HTTPResponse) -> bytes:
    """Raises: ValueError: it is too long."""
    data = answer.read(_MOST_ANSWER + 1)
    if len(data) > _MOST_ANSWER:
        raise ValueError(f"more than {_MOST_ANSWER >> 20} MiB")
    return data
