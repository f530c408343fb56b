import os
import subprocess
import sys

import pytest

from trainer.runtime import preload

WITH_A_GPU = """
import sys, torch
def touched(*_): raise AssertionError("CUDA was started before Ray said which GPU is the worker's")
torch._C._cuda_init = torch._C._cuda_getDeviceCount = torch.cuda._lazy_init = touched
torch.cuda._device_count_nvml = lambda: 1
import trainer.runtime.preload
print(*sys.modules)
"""


def printed(program: str, environment: dict[str, str]) -> set[str]:
    command = [sys.executable, "-c", program]
    output = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | environment).stdout
    return set(output.split())


@pytest.mark.slow
def test_a_process_for_a_worker_imports_all_that_it_needs_and_leaves_cuda_alone() -> None:
    assert printed(WITH_A_GPU, {preload.WORKER: "1"}) >= {*preload.MODULES, "torch.nn.attention.varlen"}


@pytest.mark.gpu
def test_the_gpu_is_chosen_after_the_imports() -> None:
    later = 'import os, torch; os.environ["CUDA_VISIBLE_DEVICES"] = ""; print(torch._C._cuda_getDeviceCount())'
    assert printed(f"import trainer.runtime.preload\n{later}", {preload.WORKER: "1"}) == {"0"}


def test_any_other_process_of_ray_stays_small() -> None:
    assert printed("import sys, trainer.runtime.preload; print(*sys.modules)", {}).isdisjoint({"torch", "ray", "numpy"})
