"""Whose colours a painting has: lightness apart from colour, and colours matched beforehand.

Gatys, Bethge, Hertzmann and Shechtman (2016), "Preserving color in neural artistic style transfer";
Gatys et al. (2017), section 5. Notebook 10 derives both.
"""

import torch
from torch import Tensor

from helpers.images import require_picture

__all__ = [
    "MAPS",
    "luminance",
    "grey",
    "with_colours_of",
    "matched_luminance",
    "colour_map",
    "matched_colour",
]

LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue look: Y of YUV, ITU-R BT.601
# The variance of a colour that is constant, and was rounded to 8 bits, is below this.
NO_VARIANCE = 2e-6


def luminance(image: Tensor) -> Tensor:
    """Lightness of each pixel: (1, 3, H, W) -> (1, 1, H, W), Y = 0.299 R + 0.587 G + 0.114 B."""
    require_picture("image", image)
    weights = image.new_tensor(LUMA).view(1, 3, 1, 1)
    return (image * weights).sum(1, keepdim=True)


def grey(image: Tensor) -> Tensor:
    """The image without its colours: (1, 3, H, W), three equal channels."""
    return luminance(image).expand(-1, 3, -1, -1).contiguous()


def with_colours_of(photo: Tensor, painting: Tensor) -> Tensor:
    """The lightness of a painting with the colours of the photo; all (1, 3, H, W) of one size.

    What is not between 0 and 1 after that is clamped. Raises ValueError for two sizes.
    """
    require_picture("photo", photo)
    require_picture("painting", painting)
    if photo.shape != painting.shape:
        sizes = f"{tuple(photo.shape)} and {tuple(painting.shape)}"
        raise ValueError(f"photo and painting must have one size, found {sizes}")
    return (photo + luminance(painting) - luminance(photo)).clamp(0, 1)


def matched_luminance(style: Tensor, photo: Tensor) -> Tensor:
    """A grey style whose lightness has the mean and the deviation of the photo's.

    style, photo: (1, 3, H, W), of any two sizes. Returns the style as grey, (1, 3, H, W); it is not
    clamped. L' = (σ_photo / σ_style) (L − μ_style) + μ_photo (Gatys et al. 2017, section 5.1; their
    program moves the mean alone). A style of one lightness keeps it, at the photo's mean.
    """
    light = luminance(style)
    wanted = luminance(photo)
    spread = light.std()
    stretch = wanted.std() / spread if spread**2 > NO_VARIANCE else 1.0
    matched = stretch * (light - light.mean()) + wanted.mean()
    return matched.expand(-1, 3, -1, -1).contiguous()


def colour_map(source: Tensor, target: Tensor, how: str = "transport") -> tuple[Tensor, Tensor]:
    """M and b, so that the colours M x + b of the source have the target's mean and covariance.

    source, target: (1, 3, H, W), of any two sizes. how: which of the many maps that do it:
        "transport", which moves colours least (Pitié and Kokaram 2007), "principal axes", or
        "cholesky", which depends on the order of the channels (Gatys et al. 2017, section 5.2).
    Returns M (3, 3) and b (3,), in float64 on the CPU.

    A source without any variance in some direction (a grey photo) gets none there. Raises
    ValueError for another word.
    """
    if how not in MAPS:
        raise ValueError(f"there is no colour map {how!r}; known: {', '.join(MAPS)}")
    require_picture("source", source)
    require_picture("target", target)
    mean, covariance = _moments(source)
    wanted_mean, wanted_covariance = _moments(target)
    M = MAPS[how](covariance, wanted_covariance)
    return M, wanted_mean - M @ mean


def matched_colour(photo: Tensor, style: Tensor, how: str = "transport") -> Tensor:
    """The photo with the mean and covariance of the style's colours.

    photo, style: (1, 3, H, W) in [0, 1], of any two sizes. how: as for `colour_map`. Returns an
    image as large as the photo, clamped to [0, 1]: a start from which colours need not be found any
    more. Raises ValueError for what is no image.
    """
    require_picture("photo", photo)
    require_picture("style", style)
    M, b = colour_map(photo, style, how)
    M = M.to(photo)
    b = b.to(photo)
    return (torch.einsum("ij,njhw->nihw", M, photo) + b.view(1, 3, 1, 1)).clamp(0, 1)


def _moments(image: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (3,) and covariance (3, 3) of the colours; float64, on the CPU: some GPUs have none."""
    colours = image[0].flatten(1).cpu().double()
    return colours.mean(1), torch.cov(colours)


def _power(matrix: Tensor, exponent: float) -> Tensor:
    """A power of a symmetric matrix (3, 3); a direction without variance stays without."""
    values, vectors = torch.linalg.eigh(matrix)
    powers = values.clamp_min(NO_VARIANCE) ** exponent
    return (vectors * torch.where(values > NO_VARIANCE, powers, 0.0)) @ vectors.T


def _transport(C: Tensor, D: Tensor) -> Tensor:
    """M = C^-½ (C^½ D C^½)^½ C^-½: of all maps from C to D, the one that moves colours least."""
    root = _power(C, 0.5)
    back = _power(C, -0.5)
    values, vectors = torch.linalg.eigh(root @ D @ root)
    middle = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    return back @ middle @ back


def _principal_axes(C: Tensor, D: Tensor) -> Tensor:
    """M = D^½ C^-½: along the axes of C to a ball, and from there along the axes of D."""
    return _power(D, 0.5) @ _power(C, -0.5)


def _cholesky(C: Tensor, D: Tensor) -> Tensor:
    """M = L_D L_C⁻¹ with triangular L: red first, then green given red, then blue given both."""
    return torch.linalg.cholesky(_regular(D)) @ torch.linalg.inv(torch.linalg.cholesky(_regular(C)))


def _regular(matrix: Tensor) -> Tensor:
    """A covariance; where a direction has no variance, with a little in all of them."""
    if torch.linalg.eigvalsh(matrix)[0] > NO_VARIANCE:
        return matrix
    return matrix + NO_VARIANCE * torch.eye(3, dtype=matrix.dtype)


MAPS = {"transport": _transport, "principal axes": _principal_axes, "cholesky": _cholesky}
