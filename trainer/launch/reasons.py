"""What Kubernetes says of a job -> what it means, in words, and what to do about it.

A table: the first entry whose pattern is found in `Reason: message` explains it; see `signs.explain`. Words and remedy
may name what the pattern has caught, {run}, and {who}, the part of the chart's values that the pod is made of: master
or worker. `Exit N: last line` is how a container ended; the codes are those of `trainer.errors`.
"""

_SIZE = "lower {who}'s request in the values, wait until others have ended, or add nodes"

REASONS = (
    # images
    (
        r"(?:ErrImagePull|ImagePullBackOff).*image \"(?P<image>[^\"]+)\".*(?:not found|manifest unknown)",
        "there is no image {image}",
        "push it, or set image.repository and image.tag to one that is there",
    ),
    (
        r"(?:ErrImagePull|ImagePullBackOff).*image \"(?P<image>[^\"]+)\".*(?:nauthorized|denied|forbidden|\b40[13]\b)",
        "the registry does not let this namespace pull {image}",
        "name a Secret with its credentials in image.pull_secrets",
    ),
    (
        r"(?:ErrImagePull|ImagePullBackOff).*image \"(?P<image>[^\"]+)\"(?:.*: )?(?P<cause>[^:\"]*)$",
        "the image {image} cannot be pulled: {cause}",
        "check image.repository and image.tag, and that the nodes reach the registry",
    ),
    (
        r"InvalidImageName: (?P<message>.*)",
        "the image has an impossible name: {message}",
        "mend image.repository and image.tag",
    ),
    (
        r"ErrImageNeverPull: .*image \"(?P<image>[^\"]+)\"",
        "the node does not have {image}, and image.pull_policy is Never",
        "load it onto the nodes, or set image.pull_policy to IfNotPresent",
    ),
    # what is mounted and set
    (
        r"key (?P<key>\S+) in (?P<kind>Secret|ConfigMap) \S*?(?P<name>[^\s/]+)$",
        "{kind} {name} has no key {key}",
        "add the key, or name the right one in the values",
    ),
    (
        r"references non-existent (?P<kind>secret|config) key: (?P<key>\S+)",
        "a {kind} that is mounted has no key {key}",
        "add the key, or name the right one in the values",
    ),
    (
        r"(?P<kind>secret|configmap) \"(?P<name>[^\"]+)\" not found",
        "the {kind} {name} does not exist",
        "create it in the run's namespace, or name another in the values",
    ),
    (
        r"persistentvolumeclaim \"(?P<name>[^\"]+)\" not found",
        "the volume claim {name} does not exist",
        "create it, name another in storage.claim, or let storage.size make one",
    ),
    (
        r"storageclass\S* \"(?P<name>[^\"]+)\" not found",
        "there is no storage class {name}",
        "set storage.storage_class to one of `kubectl get storageclass`",
    ),
    (
        r"unbound immediate PersistentVolumeClaims|ProvisioningFailed|FailedBinding",
        "its volume claim is pending: no volume fits it, and none is made for it",
        "see `kubectl describe pvc`; set storage.storage_class to one of `kubectl get storageclass`",
    ),
    (
        r"(?:FailedMount|FailedAttachVolume): (?P<message>.*)",
        "a volume cannot be mounted: {message}",
        "see `kubectl describe pvc` and the storage that it is on",
    ),
    # room
    (
        r"\b0/(?P<nodes>\d+) nodes are available: .*?Insufficient (?P<resource>\S+?)[.,](?: |$)",
        "none of {nodes} nodes has enough {resource} free",
        _SIZE,
    ),
    (
        r"\b0/(?P<nodes>\d+) nodes are available: .*(?:node affinity|node selector|node\(s\) didn't match)",
        "none of {nodes} nodes has the labels that it asks for",
        "compare node_selector and affinity with `kubectl get nodes --show-labels`",
    ),
    (
        r"\b0/(?P<nodes>\d+) nodes are available: .*untolerated taint(?:\(s\)|) ?(?P<taint>\{[^}]*\}|)",
        "all of {nodes} nodes keep it away by a taint {taint}",
        "add it to tolerations, or make the nodes ready",
    ),
    (
        r"(?:Unschedulable|FailedScheduling): (?P<message>.*?)(?:\. preemption|$)",
        "no node takes it: {message}",
        "see `kubectl describe nodes`",
    ),
    (
        r"exceeded quota: (?P<quota>[^,]+), (?P<rest>.*)",
        "the namespace's quota {quota} is used up: {rest}",
        "ask for a larger one, end other runs, or lower the run's requests",
    ),
    (
        r"failed quota: (?P<quota>[^:]+): must specify (?P<rest>.*)",
        "the namespace's quota {quota} wants each pod to say {rest}",
        "set them in worker.limits, or let the namespace have a LimitRange",
    ),
    # who refuses
    (
        r"violates PodSecurity \"(?P<level>[^\"]+)\": .*init-pytorch",
        "the operator's init container breaks Pod Security {level} of the namespace",
        "give the operator the init container of manifests/cluster",
    ),
    (
        r"violates PodSecurity \"(?P<level>[^\"]+)\": (?P<rest>.*)",
        "Pod Security {level} of the namespace refuses it: {rest}",
        "drop what breaks it from the values, or ask for another level",
    ),
    (
        r"admission webhook \"(?P<webhook>[^\"]+)\" denied the request: (?P<message>.*)",
        "the webhook {webhook} refuses it: {message}",
        "mend what it names in the values",
    ),
    (
        r"failed calling webhook \"(?P<webhook>[^\"]+)\": (?P<message>.*)",
        "the webhook {webhook} does not answer: {message}",
        "see the pods behind it; they are the cluster's, not the run's",
    ),
    (
        r"serviceaccount \"(?P<name>[^\"]+)\" not found",
        "the service account {name} does not exist",
        "install the run by its chart, which makes one",
    ),
    # how a pod ends before its time
    (
        r"OOMKilled",
        "it took more memory than its limit and was killed",
        "raise {who}.memory, or lower the micro batch",
    ),
    (
        r"Evicted: .*(?:EmptyDir volume \"(?P<volume>[^\"]+)\" exceeds the limit \"(?P<limit>[^\"]+)\")",
        "it wrote more than {limit} to its volume {volume} and was evicted",
        "raise pod.{volume}_size",
    ),
    (
        r"Evicted: (?P<message>.*)",
        "its node evicted it: {message}",
        "nothing: another pod is made; if it comes again, raise {who}'s requests",
    ),
    (
        r"PreemptionByScheduler|Preempted",
        "a pod of a higher priority took its place",
        "nothing: it waits for room; pod.priority_class would give it a higher one",
    ),
    (
        r"NodeNotReady|TaintManager|DeletionByTaintManager|NodeLost|DeletionByPodGC",
        "its node is lost",
        "nothing: it is made anew on another node, and the run goes on from its last checkpoint",
    ),
    (
        r"DeadlineExceeded",
        "the time that Kubernetes gave it is over",
        "raise activeDeadlineSeconds, or use limits.deadline_hours, which saves first",
    ),
    (
        r"FailedCreatePodSandBox: (?P<message>.*)",
        "the node cannot start it: {message}",
        "see the node's network and container runtime",
    ),
    # Berth's exit codes
    (
        r"Exit 2\b:? ?(?P<last>.*)",
        "a person has to mend something: {last}",
        "mend it and start the run again: it goes on where it was",
    ),
    (
        r"Exit 124\b",
        "limits.deadline_hours are over, and the run is saved",
        "raise limits.deadline_hours and start it again: it goes on where it was",
    ),
    (r"Exit 3\b:? ?(?P<last>.*)", "the run was given up: {last}", "see the Master's log: `berth logs {run} master-0`"),
    (
        r"Exit 203\b",
        "the run hung, and the pod is started again",
        "nothing; if it comes again, see its log",
    ),
    (
        r"Exit (?:137|143)\b",
        "it was killed from outside",
        "nothing: it is made anew, and the run goes on from its last checkpoint",
    ),
    (
        r"Exit (?P<code>\d+):? ?(?P<last>.*)",
        "it ended with exit code {code}: {last}",
        "see its log: `berth logs {run}`",
    ),
    (
        r"^Failed: .*because \d+ (?P<kind>\w+) replica",
        "its {kind} failed, and the pod is no more",
        "look at the run's folder; its report and traces are kept there",
    ),
    (
        r"^PyTorchJobRestarting: .*because \d+ (?P<kind>\w+) replica",
        "its {kind} was lost or killed",
        "nothing: it is made anew, and the run goes on from its last checkpoint",
    ),
    # what is no fault
    (
        r"^(?:JobSuspended|PyTorchJobSuspended|Suspended)",
        "it is suspended, and has no pods",
        "`berth resume {run}`; a queue, such as Kueue's, resumes it when there is room",
    ),
    (
        r"^PodInitializing|^Initializing",
        "it waits until the Master's pod is found by its name",
        "nothing, if the Master starts",
    ),
    (r"^ContainerCreating", "its image is pulled and its volumes are mounted", "wait; `berth events {run}` tells more"),
)
