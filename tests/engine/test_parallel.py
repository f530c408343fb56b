import torch

from trainer.engine.parallel import compiles

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


def test_compiling_is_automatic_on_a_gpu_only_and_otherwise_as_set() -> None:
    assert compiles(CUDA, "auto")
    assert not compiles(CPU, "auto")
    assert all(compiles(device, True) and not compiles(device, False) for device in (CPU, CUDA))
