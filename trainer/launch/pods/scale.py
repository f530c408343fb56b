"""Another number of Worker pods for a job that runs on this machine."""

from trainer.config.load import parse
from trainer.launch.pods.folder import JobFolder, only
from trainer.launch.scaling import processes, refuse


def scale(name: str, pods: int) -> int:
    """Give a job so many Worker pods, as `scaling.scale` does on a cluster; the workers that then train.

    Raises:
        InputError: no such job runs here, or its run's settings do not allow the size.
    """
    folder = JobFolder(name)
    objects = folder.read()
    run = parse(only("ConfigMap", objects)["data"]["run.yaml"], f"ConfigMap {name}")
    worker = only("PyTorchJob", objects)["spec"]["pytorchReplicaSpecs"]["Worker"]
    each = processes(run, worker["template"]["spec"])
    refuse(run, each, pods)
    folder.scale(pods)
    return pods * each
