"""What else style could mean: one ladder of statistics, each with its distance. Notebook 11.

Every rung is a function of the features of a style that gives back another function: how far the
features of an image are from it. So one loop paints with all of them:

    far = gram_of(vgg(style, layer)[layer])
    loss = far(vgg(image, layer)[layer])

maps: features of one image, (1, C, h, w). Losses are scalars, at least 0, with a gradient; in
float32, or float64 for float64. Sizes of image and style may differ.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate, normalize, unfold

from helpers.losses import gram

__all__ = [
    "LADDER",
    "means_of",
    "means_and_deviations_of",
    "gram_of",
    "moments_of",
    "wasserstein_of",
    "histograms_of",
    "slices_of",
    "transport_of",
    "patches_of",
    "shifted_gram_of",
    "spectrum_of",
    "octaves",
]

Distance = Callable[[Tensor], Tensor]

SMALL = 1e-8  # added to a variance before its root: a dead channel has none, and no gradient there
PLACES = 1024  # how many places the relaxed transport compares (Kolkin et al. 2019)


def rows(maps: Tensor) -> Tensor:
    """Features as rows of channels: (1, C, h, w) -> (C, N), N = h w, in float32 or float64.

    Raises ValueError for features of several images.
    """
    if not isinstance(maps, Tensor) or maps.ndim != 4 or maps.shape[0] != 1 or maps.numel() == 0:
        given = tuple(maps.shape) if isinstance(maps, Tensor) else type(maps).__name__
        raise ValueError(f"expected the features of one image, (1, C, h, w), found {given}")
    F = maps[0].flatten(1)
    return F if F.dtype == torch.float64 else F.float()


def _moments(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (C,) and covariance (C, C) of the channels over all places."""
    F = rows(maps)
    mean = F.mean(1)
    centred = F - mean[:, None]
    return mean, centred @ centred.T / F.shape[1]


# ---- sums over places: what is left of a picture when places are forgotten -----------------------


def means_of(style: Tensor) -> Distance:
    """Rung 1: the mean of each channel, ‖μ − ν‖²."""
    wanted = rows(style).mean(1).detach()
    return lambda maps: (rows(maps).mean(1) - wanted).square().sum()


def means_and_deviations_of(style: Tensor) -> Distance:
    """Rung 2: mean and deviation of each channel, ‖μ − ν‖² + ‖σ − τ‖².

    Li et al. (2017), "Demystifying neural style transfer"; what AdaIN and batch normalisation keep.
    A channel without variance has the deviation 1e-4 here: the root of 0 has no gradient.
    """

    def measured(maps: Tensor) -> tuple[Tensor, Tensor]:
        F = rows(maps)
        return F.mean(1), (F.var(1, correction=0) + SMALL).sqrt()

    wanted_mean, wanted_deviation = (part.detach() for part in measured(style))

    def distance(maps: Tensor) -> Tensor:
        mean, deviation = measured(maps)
        return (mean - wanted_mean).square().sum() + (deviation - wanted_deviation).square().sum()

    return distance


def gram_of(style: Tensor) -> Distance:
    """Rung 3: the Gram matrix, ‖G − A‖² (Gatys et al. 2016, equation 4, without its divisor)."""
    wanted = gram(style).detach()
    return lambda maps: (gram(maps) - wanted).square().sum()


def moments_of(style: Tensor) -> Distance:
    """Rung 4: mean and covariance, ‖μ − ν‖² + ‖Σ − T‖²; G = Σ + μμᵀ cannot tell them apart."""
    wanted_mean, wanted_covariance = (part.detach() for part in _moments(style))

    def distance(maps: Tensor) -> Tensor:
        mean, covariance = _moments(maps)
        shift = (mean - wanted_mean).square().sum()
        return shift + (covariance - wanted_covariance).square().sum()

    return distance


def wasserstein_of(style: Tensor) -> Distance:
    """Rung 5: squared Wasserstein distance between the normal distributions of these moments.

    ‖μ − ν‖² + tr(Σ + T − 2 (T^½ Σ T^½)^½). Of the eigenvalues under the root, those below a
    millionth of the largest count as zero: there the root has no gradient.
    """
    wanted_mean, wanted_covariance = (part.detach() for part in _moments(style))
    values, vectors = torch.linalg.eigh(wanted_covariance)
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T

    def distance(maps: Tensor) -> Tensor:
        mean, covariance = _moments(maps)
        eigenvalues = torch.linalg.eigvalsh(root @ covariance @ root)
        floor = 1e-6 * eigenvalues.detach().abs().max().clamp_min(1e-20)
        cross = eigenvalues.clamp_min(floor).sqrt().sum()
        traces = covariance.trace() + wanted_covariance.trace()
        shift = (mean - wanted_mean).square().sum()
        return shift + (traces - 2 * cross).clamp_min(0)

    return distance


# ---- whole distributions -------------------------------------------------------------------------


def _quantiles(sorted_rows: Tensor, count: int) -> Tensor:
    """Sorted rows (D, M) -> (D, count): the same distributions, by another number of places."""
    if sorted_rows.shape[1] == count:
        return sorted_rows
    return interpolate(sorted_rows[None], count, mode="linear", align_corners=True)[0]


def histograms_of(style: Tensor) -> Distance:
    """Rung 6: the distribution of each channel, by the mean squared distance of sorted values.

    That is histogram matching (Risser et al. 2017), without bins: the gradient of
    ‖F − match(F)‖² / N is the same.
    """
    wanted = rows(style).sort(1).values.detach()

    def distance(maps: Tensor) -> Tensor:
        F = rows(maps).sort(1).values
        return (F - _quantiles(wanted, F.shape[1])).square().mean(1).sum()

    return distance


def slices_of(style: Tensor, directions: int | None = None, seed: int | None = None) -> Distance:
    """Rung 7: sliced Wasserstein distance, the same along random directions (Heitz et al. 2021).

    directions: how many; None takes as many as there are channels. They are drawn anew at each
    evaluation, as published, which a line search does not like; with a seed they stay, and those of
    the style are sorted only once. The mean over directions is multiplied by C, so that rung 6 is
    the case of the C axes.
    """
    S = rows(style).detach()
    shape = (directions or len(S), len(S))
    generator = torch.Generator().manual_seed(0 if seed is None else seed)

    def drawn() -> tuple[Tensor, Tensor]:
        """Directions as rows of length 1, and the style along each of them, sorted."""
        V = normalize(torch.randn(*shape, generator=generator).to(S), dim=1)
        return V, (V @ S).sort(1).values

    kept = None if seed is None else drawn()

    def distance(maps: Tensor) -> Tensor:
        F = rows(maps)
        V, theirs = kept or drawn()
        ours = (V @ F).sort(1).values
        gaps = (ours - _quantiles(theirs, ours.shape[1])).square()
        return len(F) * gaps.mean()

    return distance


def _chosen(F: Tensor, generator: torch.Generator) -> Tensor:
    """At most 1,024 of the places of F (C, N)."""
    if F.shape[1] <= PLACES:
        return F
    places = torch.randperm(F.shape[1], generator=generator)[:PLACES]
    return F[:, places.to(F.device)]


def transport_of(style: Tensor, seed: int | None = None) -> Distance:
    """Rung 8: relaxed optimal transport (Kolkin et al. 2019, "STROTSS", equation 4).

    The larger of two means: from each place of the image to the nearest of the style, and back, by
    cosine distance, over at most 1,024 places. They are drawn anew at each evaluation; with a seed
    they stay.
    """
    S = rows(style).detach()
    generator = torch.Generator().manual_seed(0 if seed is None else seed)

    def distance(maps: Tensor) -> Tensor:
        if seed is not None:
            generator.manual_seed(seed)
        ours = normalize(_chosen(rows(maps), generator), dim=0, eps=SMALL)
        theirs = normalize(_chosen(S, generator), dim=0, eps=SMALL)
        costs = 1 - ours.T @ theirs  # (places of ours, places of theirs)
        there = costs.min(1).values.mean()
        back = costs.min(0).values.mean()
        return torch.maximum(there, back)

    return distance


def patches_of(style: Tensor, size: int = 3, stride: int = 1) -> Distance:
    """Rung 9: each patch of features against its nearest of the style (Li and Wand 2016).

    size, stride: of patches, in places of the layer. Nearest by normalised correlation, equation 2;
    mean squared distance, equation 3, per number.
    """
    S = maps_in_full(style)
    wanted = unfold(S, size, stride=stride)[0].T.detach()  # (patches, C size²)
    filters = wanted / wanted.norm(dim=1, keepdim=True).clamp_min(SMALL)

    def distance(maps: Tensor) -> Tensor:
        ours = unfold(maps_in_full(maps), size, stride=stride)[0].T
        with torch.no_grad():  # which is nearest has no gradient
            nearest = (ours @ filters.T).argmax(1)
        return (ours - wanted[nearest]).square().mean()

    return distance


def maps_in_full(maps: Tensor) -> Tensor:
    """Maps in float32 or float64, checked: (1, C, h, w)."""
    return rows(maps).view_as(maps)


# ---- order: what stands beside what --------------------------------------------------------------


def shifted_gram_of(style: Tensor, shift: int) -> Distance:
    """Gram matrices between a map and the maps `shift` places to the right, and below.

    F(x) F(x + δ)ᵀ / N (Berger and Memisevic 2017), two matrices. Raises ValueError where the maps
    are not larger than the shift.
    """

    def measured(maps: Tensor) -> tuple[Tensor, Tensor]:
        maps = maps_in_full(maps)
        if not 0 < shift < min(maps.shape[2:]):
            sides = tuple(maps.shape[2:])
            raise ValueError(f"a shift must be from 1 to below the sides {sides}, not {shift!r}")
        across = _products(maps[..., :, :-shift], maps[..., :, shift:])
        down = _products(maps[..., :-shift, :], maps[..., shift:, :])
        return across, down

    wanted_across, wanted_down = (part.detach() for part in measured(style))

    def distance(maps: Tensor) -> Tensor:
        across, down = measured(maps)
        return (across - wanted_across).square().sum() + (down - wanted_down).square().sum()

    return distance


def _products(left: Tensor, right: Tensor) -> Tensor:
    left = left[0].flatten(1)
    return left @ right[0].flatten(1).T / left.shape[1]


def spectrum_of(style: Tensor) -> Distance:
    """Of images (1, 3, H, W) of one size: how far to the nearest with the style's spectrum.

    ½ ‖x − x̂‖² per number, where x̂ keeps the phases of x and takes the amplitudes of the style,
    with one phase for the three colours (Liu, Gousseau and Xia 2016). Raises ValueError for two
    sizes.
    """
    wanted = torch.fft.fft2(maps_in_full(style)).detach()

    def distance(image: Tensor) -> Tensor:
        image = maps_in_full(image)
        if image.shape != wanted.shape:
            sizes = f"{tuple(image.shape)} and {tuple(wanted.shape)}"
            raise ValueError(f"spectra are compared at one size, found {sizes}")
        with torch.no_grad():  # the nearest one; the distance to a projection has this gradient
            product = (torch.fft.fft2(image) * wanted.conj()).sum(1, keepdim=True)
            phase = product / product.abs().clamp_min(SMALL)
            nearest = torch.fft.ifft2(wanted * phase).real
        return (image - nearest).square().mean() / 2

    return distance


def octaves(image: Tensor, count: int) -> list[Tensor]:
    """An image (1, 3, H, W) and its halves: a pyramid whose Gram matrices reach further each time.

    Snelgrove (2017), "High-resolution multi-scale neural texture synthesis". Raises ValueError for
    a count that leaves less than 16 px of a side.
    """
    smallest = min(image.shape[2:]) >> (count - 1) if isinstance(count, int) and count > 0 else 0
    if smallest < 16:
        sides = tuple(image.shape[2:])
        raise ValueError(f"{count!r} octaves of {sides} px leave {smallest} px; 16 are needed")
    levels = [image]
    for _ in range(count - 1):
        levels.append(avg_pool2d(_blurred(levels[-1]), 2))
    return levels


def _blurred(image: Tensor) -> Tensor:
    """A little, so that halving makes no patterns: 1 2 1 along both axes."""
    line = image.new_tensor((0.25, 0.5, 0.25))
    kernel = (line[:, None] * line[None, :]).expand(image.shape[1], 1, 3, 3)
    padded = torch.nn.functional.pad(image, (1, 1, 1, 1), mode="replicate")
    return conv2d(padded, kernel, groups=image.shape[1])


LADDER = {
    "means": means_of,
    "means and deviations": means_and_deviations_of,
    "Gram": gram_of,
    "mean and covariance": moments_of,
    "Wasserstein": wasserstein_of,
    "histograms": histograms_of,
    "slices": slices_of,
    "transport": transport_of,
    "patches": patches_of,
}
