"""Ray Train's trainer without what a run has no use for: each part left out is a process that every group would start.

There is no public way to leave them out.
"""

from typing import Any

from ray.train import Result
from ray.train.torch import TorchTrainer
from ray.train.v2._internal.callbacks import DatasetsCallback
from ray.train.v2._internal.callbacks.placement_group_callback import PlacementGroupCleanerCallback
from ray.train.v2._internal.execution.context import TrainRunContext
from ray.train.v2._internal.execution.scaling_policy import FixedScalingPolicy
from ray.train.v2.api.callback import RayTrainCallback

UNUSED = (
    DatasetsCallback,  # it hands out Ray Data's shards; the workers read the corpus themselves
    PlacementGroupCleanerCallback,  # `nodes.cleared` does that; this asks a dashboard, and waits 12 s for an answer
)


class RayTrainer(TorchTrainer):
    """As `TorchTrainer`, for a group whose size is fixed and that has no Ray Data."""

    def _create_default_callbacks(self) -> list[RayTrainCallback]:
        return [callback for callback in super()._create_default_callbacks() if not isinstance(callback, UNUSED)]

    def _initialize_and_run_controller(self, **arguments: Any) -> Result:
        policy = OwnNodes(self.scaling_config)
        return super()._initialize_and_run_controller(**arguments | {"scaling_policy": policy})


class OwnNodes(FixedScalingPolicy):
    """Asks no autoscaler for nodes: Kubernetes gives them, and a laptop has one."""

    def after_controller_start(self, train_run_context: TrainRunContext) -> None:
        pass

    def _maybe_send_resource_request(self) -> None:
        pass
