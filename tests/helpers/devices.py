"""A GPU that is none: it computes on the CPU, and is as strict about places as a real one.

    with Accelerator() as gpu:
        vgg = VGG(device=gpu.device)
        features = vgg(image.to(gpu.device), "relu4_2")  # without .to(...), WrongPlace is raised
        features["relu4_2"].norm().item()
    gpu.waits  # ["_local_scalar_dense"]: where the CPU had to wait for the GPU

Torch asks it about each operation, also about those that torch itself brings in: the way back, the
steps of an optimiser.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

# Torch's autograd takes "meta" for a device of its own, and needs neither a driver nor a thread for
# it. The index is there because a real GPU has one: "cuda" and "cuda:0" are not equal.
KIND = "meta"
DEVICE = torch.device(KIND, 0)
HOLLOW = torch.device(KIND, 1)

WAIT = {  # what tells the CPU a number of the GPU's, if only how many there are
    "_local_scalar_dense",
    "_linalg_eigh",
    "_unique2",
    "equal",
    "masked_select",
    "nonzero",
    "unique_dim",
}
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_"}
NOT_ON_APPLE = {  # what torch 2.6, the oldest that is allowed, refuses to compute there
    "_linalg_eigh",
    "_linalg_svd",
    "_upsample_bicubic2d_aa",
    "_upsample_bilinear2d_aa",
}

QUANTILES = (torch.quantile, Tensor.quantile)


class WrongPlace(RuntimeError):
    """Something that a GPU would refuse."""


class OnDevice(Tensor):
    """A tensor on the pretended device; its numbers are in `inner`, on the CPU."""

    __torch_function__ = torch._C._disabled_torch_function_impl
    is_meta = False

    @staticmethod
    def __new__(cls, inner: Tensor, device: torch.device):
        return Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=device,
        )

    def __init__(self, inner: Tensor, device: torch.device):
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        raise WrongPlace(f"{function} of a tensor whose pretended GPU is gone")

    def numpy(self, *, force: bool = False):
        running().refuse(f"can't convert {self.device} device type tensor to numpy")

    def tolist(self):
        return self.cpu().tolist()

    def new_tensor(self, values, **options) -> Tensor:
        return torch.tensor(values, **{"dtype": self.dtype, "device": self.device, **options})

    def __repr__(self, *, tensor_contents=None) -> str:
        return f"{self.detach().cpu()!r} on {self.device}"

    def __format__(self, form: str) -> str:
        return format(self.detach().cpu(), form)


class Accelerator(TorchDispatchMode):
    """Within `with Accelerator() as gpu:`, gpu.device is a GPU.

    without: types that it does not know, such as torch.float64. lacks: operations it does not have,
    by their names in ATen. hollow: it computes shapes alone, at once; numbers that come back are
    made up: 0.5 for one, noise for many.

    waits, uploads: the operations for which the CPU waits until the GPU has done all its work, and
    those that copy to it. refusals: what was refused, also where somebody caught the exception.
    """

    def __init__(
        self,
        *,
        without: tuple[torch.dtype, ...] = (),
        lacks: set[str] | frozenset[str] = frozenset(),
        hollow: bool = False,
    ):
        super().__init__()
        self.device = HOLLOW if hollow else DEVICE
        self.hollow = hollow
        self.without = without
        self.lacks = lacks
        self.waits: list[str] = []
        self.uploads: list[str] = []
        self.refusals: list[str] = []
        self.makers = _Makers(self)

    def __enter__(self):
        self.makers.__enter__()
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        self.makers.__exit__(*error)

    def refuse(self, sentence: str) -> None:
        self.refusals.append(sentence)
        kind = TypeError if "numpy" in sentence else WrongPlace  # as torch has it
        raise kind(sentence)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given = [*_tensors([*args, *kwargs.values()])]
        asked = kwargs.get("device")
        goes_there = asked is not None and asked.type == KIND
        if not goes_there and not any(isinstance(tensor, OnDevice) for tensor in given):
            return function(*args, **kwargs)
        name = function.overloadpacket.__name__
        self._check(name, args, kwargs, given)
        comes_back = asked is not None and not goes_there
        if name == "copy_":
            comes_back = not isinstance(args[0], OnDevice)
        if comes_back and name in ("_to_copy", "copy_"):
            self.waits.append(name)
        wrappers = {}
        args = self._unwrapped(args, wrappers)
        kwargs = self._unwrapped(kwargs, wrappers)
        if goes_there:
            kwargs["device"] = torch.device(KIND if self.hollow else "cpu")
        result = self._compute(name, function, args, kwargs, comes_back)
        return result if comes_back else self._wrapped(name, result, wrappers)

    def _check(self, name: str, args, kwargs: dict, given: list[Tensor]) -> None:
        """Refuse what a GPU refuses, and count what it has to wait for."""
        there = [tensor for tensor in given if isinstance(tensor, OnDevice)]
        here = [tensor for tensor in given if not isinstance(tensor, OnDevice)]
        if name in self.lacks:
            self.refuse(f"there is no {name} on this device")
        for tensor in there:
            self._require_known(tensor.dtype)
        if name in ("_to_copy", "copy_"):
            if here and not (name == "copy_" and here[0] is args[0]):
                self.uploads.append(name)
            return
        if name in INDEXING and isinstance(args[0], OnDevice):
            indices = [index for index in args[1] if index is not None]
            self.uploads += [name for index in indices if not isinstance(index, OnDevice)]
            self.waits += [name for index in indices if index.dtype == torch.bool]
            here = [tensor for tensor in here if not any(tensor is index for index in indices)]
        is_written = here and name.endswith("_") and here[0] is args[0]
        if any(tensor.ndim > 0 for tensor in here) or is_written:
            self.refuse(f"expected all tensors on one device: {name} of cpu and {self.device}")
        if kwargs.get("generator") is not None:
            self.refuse(f"{name} on {self.device} with a generator of the CPU")
        if name in WAIT:
            self.waits.append(name)

    def _require_known(self, kind: torch.dtype) -> None:
        if kind in self.without:
            self.refuse(f"this device does not know {kind}")

    def _compute(self, name: str, function, args: list, kwargs: dict, comes_back: bool):
        """The result, of CPU tensors, or of shapes alone."""
        if not self.hollow:
            return function(*args, **kwargs)
        if comes_back and name == "copy_":
            return args[0].copy_(_made_up(args[1]))
        if comes_back and name == "_to_copy":
            kind = kwargs.get("dtype")
            return _made_up(args[0]).to(kind or args[0].dtype)
        if name in ("_local_scalar_dense", "equal"):
            return _made_up(args[0].new_empty(1))[0].item() if name != "equal" else True
        try:
            return function(*args, **kwargs)
        except NotImplementedError:  # its shape depends on numbers
            return function(*(_filled(value) for value in args), **kwargs)

    def _unwrapped(self, values, wrappers: dict):
        """Arguments with the inner tensors instead of those on the device."""
        if isinstance(values, dict):
            return {key: self._unwrapped(value, wrappers) for key, value in values.items()}
        if isinstance(values, list | tuple):
            return [self._unwrapped(value, wrappers) for value in values]
        if isinstance(values, OnDevice):
            wrappers[id(values.inner)] = values
            return values.inner
        is_pixel_data = isinstance(values, Tensor) and values.ndim > 0
        return values.to(KIND) if self.hollow and is_pixel_data else values

    def _wrapped(self, name: str, result, wrappers: dict):
        """Results on the device; an argument that was changed in place stays what it is."""
        if isinstance(result, list | tuple):
            return type(result)(self._wrapped(name, part, wrappers) for part in result)
        if not isinstance(result, Tensor):
            return result
        self._require_known(result.dtype)
        if id(result) in wrappers:
            wrapper = wrappers[id(result)]
            if wrapper.shape != result.shape or wrapper.stride() != result.stride():
                raise NotImplementedError(f"{name} changes the shape of a tensor in place")
            return wrapper
        return OnDevice(result.to(KIND) if self.hollow else result, self.device)


class _Makers(TorchFunctionMode):
    """What torch decides by the kind of a device, before it asks about a single operation.

    Of a list it would make a "meta" tensor without numbers: it is made on the CPU. Quantiles are
    found in float64 where the device is not known to lack it: they are found at once.
    """

    def __init__(self, gpu: Accelerator):
        super().__init__()
        self.gpu = gpu

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        is_maker = function in (torch.tensor, torch.as_tensor, torch.asarray)
        device = torch.device(kwargs.get("device") or "cpu") if is_maker else None
        if is_maker and device.type == KIND and not isinstance(args[0], Tensor):
            del kwargs["device"]
            wants_gradient = kwargs.pop("requires_grad", False)
            return function(*args, **kwargs).to(device).requires_grad_(wants_gradient)
        if function in QUANTILES and isinstance(args[0], OnDevice):
            inner = args[0].inner
            if self.gpu.hollow:
                return function(_made_up(inner), *args[1:], **kwargs).to(self.gpu.device)
            return OnDevice(function(inner, *args[1:], **kwargs), self.gpu.device)
        return function(*args, **kwargs)


def running() -> Accelerator:
    """The pretended GPU of this `with`."""
    for mode in torch.utils._python_dispatch._get_current_dispatch_mode_stack()[::-1]:
        if isinstance(mode, Accelerator):
            return mode
    raise WrongPlace("a tensor is used whose pretended GPU is gone")


def _tensors(values) -> Iterator[Tensor]:
    """Every tensor among some arguments, also in lists of them."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _made_up(like: Tensor) -> Tensor:
    """A CPU tensor of the shape and type of a hollow one."""
    shape = like.shape
    if like.dtype.is_floating_point:
        if like.numel() == 1:
            return torch.full(shape, 0.5, dtype=like.dtype)
        generator = torch.Generator().manual_seed(0)
        return torch.rand(shape, generator=generator).to(like.dtype)
    return torch.full(shape, like.dtype == torch.bool, dtype=like.dtype)


def _filled(value):
    return _made_up(value) if isinstance(value, Tensor) and value.is_meta else value
