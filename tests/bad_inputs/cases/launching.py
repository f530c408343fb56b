"""`berth plan`, `render`, `submit` and the commands that watch a cluster, as far as none is needed to refuse."""

from tests.bad_inputs.case import Case
from tests.bad_inputs.valid import VALUES

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: here, cluster: {server: http://127.0.0.1:9}}]
users: [{name: me, user: {token: x}}]
contexts: [{name: here, context: {cluster: here, user: me}}]
current-context: here
"""
_GOOD = {"kubeconfig": KUBECONFIG}
_NO_CLUSTER = "kubeconfig: names no cluster: Invalid kube-config file. No configuration found.; set KUBECONFIG, or choose one by `kubectl config use-context NAME`"
_NO_KUBECONFIG = "kubeconfig: is no kubeconfig; compare it with `kubectl config view`"
_SILENT = "context here: the API server is not reached: http://127.0.0.1:9: Failed to establish a new connection: [Errno 111] Connection refused; check the network and `kubectl cluster-info`"
_PRICES = "plan run.yaml --gpus h100:8 --prices prices.yaml"
_KNOWN = "is no GPU known here; choose of b200, h200, h100, ..."


def _prices(wrong: str, says: str, content: str) -> Case:
    return Case(wrong, _PRICES, says, {"prices.yaml": content})


def _values(wrong: str, says: str, content: str) -> Case:
    return Case(wrong, "render run.yaml --values bad.yaml", says, {"bad.yaml": content})


PLAN = (
    Case("no such run", "plan gone", "gone: no such file or recipe; give a YAML file or one of bert-base-original, ..."),
    Case("a GPU that is unknown", "plan run.yaml --gpus gtx:8", f"--gpus: 'gtx' {_KNOWN}"),
    Case("no GPUs", "plan run.yaml --gpus h100:0", "--gpus: '0' is no number of GPUs; write h100:8"),
    Case("GPUs in words", "plan run.yaml --gpus h100:eight", "--gpus: 'eight' is no number of GPUs; write h100:8"),
    Case("prices that are not there", _PRICES, "prices.yaml: cannot be read: no such file or directory; give a YAML file"),
    _prices("an empty table of prices", "prices.yaml: is no table of prices; give YAML such as `h100: 2.50`", ""),
    _prices("a price in words", "prices.yaml: h100: 'dear' is no price; give a number, per hour of one GPU", "h100: dear"),
    _prices("a price below nothing", "prices.yaml: h100: -1 is no price; give a number, per hour of one GPU", "h100: -1"),
    _prices("a price of what is unknown", f"prices.yaml: 'gtx' {_KNOWN}", "gtx: 1"),
    _prices("a price twice", "prices.yaml, line 2, column 1: not YAML: 'h100' stands twice in one section; mend the file", "h100: 2\nh100: 3\n"),
)  # fmt: skip

RENDER = (
    Case("values that are not there", "render run.yaml --values gone.yaml", "gone.yaml: cannot be read: no such file or directory; give a YAML file"),
    Case("no Secret for Ray", "render run.yaml", "ray_token.secret: not set, and each rendering would make up another token; name a Secret of your own: `kubectl create secret generic NAME --from-literal=token=...`"),
    Case("a namespace that is none", "render run.yaml --values values.yaml -n 'My team'", "--namespace: 'My team' is not allowed; give up to 63 lower-case letters, digits and hyphens"),
    Case("storage on no volume", "render run.yaml --values values.yaml storage=runs", "run.storage: runs is on no volume; set storage.claim or storage.size, or an URI such as s3://bucket/runs"),
    Case("no workers", "render run.yaml --values values.yaml --workers 0", "--workers: 0 is not in the range x>=1; see `berth render --help`"),
    _values("a list of values", "bad.yaml: not a mapping of values; see charts/berth/values.yaml", "[1]"),
    _values("values that are no YAML", "bad.yaml, line 1, column 5: not YAML: expected the node content, but found '<stream end>'; mend the file", "a: ["),
    _values("a value misspelt", "workerz: no such value; see charts/berth/values.yaml, or remove it", f"{VALUES}workerz: 2\n"),
    _values("a value of another kind", "worker.cpu: a list is not allowed; see its comment in charts/berth/values.yaml", VALUES.replace("cpu: 1", "cpu: [1]")),
    _values("a value twice", "bad.yaml, line 6, column 1: not YAML: 'workers' stands twice in one section; mend the file", f"{VALUES}workers: 1\nworkers: 2\n"),
)  # fmt: skip

CLUSTER = (
    *(
        Case(f"{command.split()[0]} without a cluster", command, _NO_CLUSTER)
        for command in ("list", "status mine", "logs mine", "events mine", "scale mine 2", "stop mine", "resume mine", "submit run.yaml")
    ),
    Case("a kubeconfig that is empty", "list", "kubeconfig: names no cluster: Invalid kube-config. kubeconfig file is empty; set KUBECONFIG, or choose one by `kubectl config use-context NAME`", {"kubeconfig": ""}),
    Case("a kubeconfig that is a sentence", "list", _NO_KUBECONFIG, {"kubeconfig": "a cluster"}),
    Case("a kubeconfig that is a list", "list", _NO_KUBECONFIG, {"kubeconfig": "[1]"}),
    Case("a kubeconfig that is no YAML", "list", _NO_KUBECONFIG, {"kubeconfig": "a: ["}),
    Case("a kubeconfig of bytes", "list", _NO_KUBECONFIG, {"kubeconfig": b"\xff\xfe\0"}),
    Case("a kubeconfig without contexts", "list", _NO_KUBECONFIG, {"kubeconfig": KUBECONFIG.replace("[{name: here, context: {cluster: here, user: me}}]", "3")}),
    Case("a current context that is not there", "list", "kubeconfig: names no cluster: Invalid kube-config file. Expected object with name there in kubeconfig/contexts list; set KUBECONFIG, ...", {"kubeconfig": KUBECONFIG.replace("current-context: here", "current-context: there")}),
    Case("a certificate that is not there", "list", "kubeconfig: names no cluster: File does not exist: gone.crt; set KUBECONFIG, ...", {"kubeconfig": KUBECONFIG.replace("http://127.0.0.1:9", "'https://127.0.0.1:9', certificate-authority: gone.crt")}),
    Case("a context that is not there", "list --context there", "--context: kubeconfig has no context 'there'; choose of here", _GOOD),
    Case("a cluster that is silent", "status mine", _SILENT, _GOOD),
    Case("a server without a scheme", "list", "context here: its server '127.0.0.1:9' has no scheme; write https://127.0.0.1:9 in kubeconfig", {"kubeconfig": KUBECONFIG.replace("http://127.0.0.1:9", "'127.0.0.1:9'")}),
    Case("a duration that is none", "logs mine --since 3", "--since: '3' is no duration; write it as 90s, 10m, 2h or 1d", _GOOD),
    Case("a setting misspelt", "submit run.yaml pretrain.max_stepz=3", "pretrain.max_stepz: no such setting; did you mean max_steps?", _GOOD),
    Case("values that are not there", "submit run.yaml --values gone.yaml", "gone.yaml: cannot be read: no such file or directory; give a YAML file", _GOOD),
    Case("a local run that is not there", "scale mine 2 --local", "run mine: none of its pods run here; start it with `berth run --pods`"),
)  # fmt: skip
