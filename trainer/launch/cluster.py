"""The cluster that kubeconfig names, through the Kubernetes client."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import yaml
from kubernetes import client, config
from kubernetes.client import ApiException
from kubernetes.config import ConfigException
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from trainer.errors import ClusterError, ClusterMissing

GROUP, VERSION, PLURAL = "kubeflow.org", "v1", "pytorchjobs"

_PATIENCE = (5.0, 30.0)
"""Seconds for a connection, and for an answer."""


@dataclass(frozen=True)
class Cluster:
    """One namespace of one cluster."""

    context: str
    namespace: str
    core: client.CoreV1Api
    """Pods, events, Secrets ..."""
    custom: client.CustomObjectsApi
    """PyTorchJobs as they are, no field dropped."""

    @classmethod
    def connect(cls, context: str | None = None, namespace: str | None = None) -> "Cluster":
        """Read kubeconfig; nothing is asked of the cluster yet.

        Args:
            context: one of kubeconfig's; None: its current one.
            namespace: None: the context's.

        Raises:
            ClusterError: no kubeconfig, no such context, or one that is not usable.
        """
        chosen, settings = _chosen(context), client.Configuration()
        try:
            config.load_kube_config(context=chosen["name"], client_configuration=settings)
        except ConfigException as error:
            raise _no_cluster(error) from error
        if "://" not in settings.host:  # kubectl would send the token unencrypted
            problem = f"its server {settings.host!r} has no scheme"
            raise ClusterError(f"context {chosen['name']}", problem, f"write https://{settings.host} in kubeconfig")
        vars(settings)["retries"] = 0  # what is away is said at once; who can wait for it, does
        where = namespace or chosen["context"].get("namespace") or "default"
        api = client.ApiClient(settings)
        return cls(chosen["name"], where, client.CoreV1Api(api), client.CustomObjectsApi(api))

    @contextmanager
    def asked(self, what: str) -> Generator[None]:
        """Turn what the API says of a failure into one line; `what` was asked, such as "PyTorchJob my-run".

        Raises:
            ClusterMissing: there is no such thing.
            ClusterError: the cluster is not reached, or refuses.
        """
        try:
            yield
        except ApiException as error:
            raise self._refusal(what, error) from error
        except (HTTPError, OSError) as error:
            reason = str(getattr(error, "reason", error)).rpartition("): ")[2]  # without the connection's Python name
            problem = f"the API server is not reached: {self.core.api_client.configuration.host}: {reason}"
            raise ClusterError(
                f"context {self.context}", problem, "check the network and `kubectl cluster-info`"
            ) from error

    def read(self, path: str, **query: Any) -> Any:
        """What a path of the API holds, as the JSON that it is: the client's models would drop fields, and of hundreds
        of objects take seconds to build.
        """
        return self._get(path, query, response_type="object", _request_timeout=_PATIENCE)

    def stream(self, path: str, patience: float | None = None, **query: Any) -> HTTPResponse:
        """What a path of the API holds, to be read as it comes; close it. To read raises urllib3's ReadTimeoutError
        after so many seconds in which nothing comes; None: never.
        """
        return self._get(path, query, _preload_content=False, _request_timeout=(_PATIENCE[0], patience))

    def _get(self, path: str, query: dict[str, Any], **options: Any) -> Any:
        return self.core.api_client.call_api(
            path,
            "GET",
            query_params=list(query.items()),
            auth_settings=["BearerToken"],
            _return_http_data_only=True,
            **options,
        )

    def _refusal(self, what: str, error: ApiException) -> ClusterError:
        message = _message(error)
        match error.status:
            case 401:
                return ClusterError(f"context {self.context}", "the cluster does not know you", "log in again")
            case 403:
                asks = "ask for the right, see `berth doctor`"
                return ClusterError(what, f"you may not in namespace {self.namespace}: {message}", asks)
            case 404 if "page not found" in message:
                asks = "install the training operator, see manifests/cluster"
                return ClusterError(what, "the cluster knows no PyTorchJob", asks)
            case 404:
                return ClusterMissing(what, f"there is none in namespace {self.namespace}", "see `berth list`")
            case 409 if "AlreadyExists" in str(error.body):
                return ClusterError(what, f"it exists in namespace {self.namespace}", "choose another name")
            case _:
                return ClusterError(what, f"the cluster refuses: {message}", "mend it and try again")


def _chosen(name: str | None) -> dict[str, Any]:
    """A context of kubeconfig; without a name its current one."""
    try:
        contexts, current = cast(tuple[list[dict[str, Any]], dict[str, Any]], config.list_kube_config_contexts())
    except ConfigException as error:
        raise _no_cluster(error) from error
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, KeyError) as error:  # in the client's own code
        raise ClusterError("kubeconfig", "is no kubeconfig", "compare it with `kubectl config view`") from error
    if name is None:
        return current
    known = {each["name"]: each for each in contexts}
    if name not in known:
        raise ClusterError("--context", f"kubeconfig has no context {name!r}", f"choose of {', '.join(sorted(known))}")
    return known[name]


def _no_cluster(error: Exception) -> ClusterError:
    remedy = "set KUBECONFIG, or choose one by `kubectl config use-context NAME`"
    return ClusterError("kubeconfig", f"names no cluster: {error}", remedy)


def _message(error: ApiException) -> str:
    """What the API server says, which is JSON unless something in between answered."""
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return str(error.body or error.reason).strip()
