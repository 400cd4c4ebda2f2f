"""A GPU that is none: it notices where two devices are mixed."""

from torch import Tensor
from torch.overrides import TorchFunctionMode


def tensors_in(values):
    """Every tensor among some arguments, also in lists of them."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


class OneDevice(TorchFunctionMode):
    """Within `with OneDevice():`, refuse tensors of two devices in one operation, as a GPU does.

    With "meta" for the other device, which computes shapes alone, no GPU is needed. Torch itself
    lets "meta" and the CPU be added up. Single numbers may come from the CPU, as on a GPU.
    """

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = tensors_in([*args, *kwargs.values()])
        devices = {tensor.device.type for tensor in tensors if tensor.ndim > 0}
        assert len(devices) <= 1, f"{function.__name__} of {' and '.join(sorted(devices))}"
        return function(*args, **kwargs)
