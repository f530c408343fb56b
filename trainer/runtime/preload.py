"""What a worker needs, imported before it is one.

Ray imports this module in every process that it starts, as RAY_preload_python_modules says. Those of workers, which
their environment tells, import here what training needs; so one that was started ahead (`spares`) trains at once.
CUDA is not touched: which GPU a worker gets, Ray says only when it takes the process, and CUDA looks only once.
"""

import importlib
import os

WORKER = "BERTH_WORKER"
"""Set in the environment of worker processes, and only there."""

MODULES = (
    "trainer.runtime.worker",
    "torch._dynamo",  # torch's optimizers, at the first one that is made
)

if WORKER in os.environ:
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"  # torch then sees whether there is a GPU without starting CUDA
    for _name in MODULES:
        importlib.import_module(_name)
