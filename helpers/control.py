"""What a painting is told beside its recipe: whose colours, where, how much of which style.

paint("ours", photo, [sky_style, house_style], vgg, controls=Controls(masks=[sky, 1 - sky]))
Gatys et al. (2017), "Controlling perceptual factors in neural style transfer". Notebook 10.
"""

import math
from dataclasses import dataclass, replace
from numbers import Real
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import interpolate

from helpers.colours import grey, matched_colour, matched_luminance, with_colours_of
from helpers.masks import WAYS, require_masks, what_is_shared

__all__ = ["COLOURS", "Controls", "Region"]

COLOURS = ("style", "matched", "luminance", "afterwards")


class Region(NamedTuple):
    """One style, where it goes, and how much of it there is."""

    style: Tensor  # (1, 3, H, W)
    mask: Tensor | None  # (1, 1, H, W) of the photo's size; None is everywhere
    share: float


@dataclass(frozen=True)
class Controls:
    """What is controlled in a painting; what is left out is as in the recipe.

    masks: for each style a mask (1, 1, H, W) of the photo's size, 1 where that style goes.
    way: how a mask comes down to a layer, "inside", "resized" or "all": see helpers.masks.at_layer.
    shares: how much each style counts; they add up to 1. None counts all alike.
    protected: what has to stay as in the photo: a mask (1, 1, H, W), and the weight of its content
        error, which is added to the loss, such as (face, 0.3).
    colour: whose colours. "style" leaves them alone; "matched" gives the style the photo's mean and
        covariance beforehand; "luminance" paints lightness alone and takes the photo's colours;
        "afterwards" puts the photo's colours into the finished painting.

    Raises ValueError for what cannot be, here or, where pictures are needed to tell, in `paint`.
    """

    masks: list[Tensor] | None = None
    way: str = "inside"
    shares: list[float] | None = None
    protected: tuple[Tensor, float] | None = None
    colour: str = "style"

    def __post_init__(self):
        for word, value, known in (("colour", self.colour, COLOURS), ("way", self.way, WAYS)):
            if value not in known:
                raise ValueError(f"there is no {word} {value!r}; known: {', '.join(known)}")
        if self.shares is not None:
            numbers = list(self.shares)
            if not all(isinstance(n, Real) and 0 <= n <= 1 for n in numbers):
                raise ValueError(f"shares must be numbers from 0 to 1, not {self.shares!r}")
            if abs(sum(numbers) - 1) > 1e-6:
                raise ValueError(f"shares must add up to 1, and these to {sum(numbers):g}")
        if self.protected is not None:
            is_pair = isinstance(self.protected, list | tuple) and len(self.protected) == 2
            weight = self.protected[1] if is_pair else None
            if not isinstance(weight, Real) or not 0 <= weight < math.inf:
                expected = "a mask and the weight of its content error, such as (face, 0.3)"
                raise ValueError(f"protected must be {expected}, not {weight!r}")

    def require_fit(self, photo: Tensor, styles: list[Tensor]) -> list[str]:
        """Refuse controls that do not fit the pictures; returns what is to be said of the masks."""
        height, width = photo.shape[2:]
        for word, given in (("masks", self.masks), ("shares", self.shares)):
            if given is not None and len(given) != len(styles):
                counts = f"{len(given)} {word} and {len(styles)} styles"
                raise ValueError(f"each style needs one of the {word}: found {counts}")
        if self.protected is not None:
            require_masks([self.protected[0]], height, width)
        if self.masks is None:
            return []
        require_masks(self.masks, height, width)
        return what_is_shared(self.masks)

    def all_masks(self) -> list[Tensor]:
        """The masks of the styles, and that of what is protected."""
        protected = [] if self.protected is None else [self.protected[0]]
        return [*(self.masks or []), *protected]

    def settings(self) -> dict:
        """All of it but the masks, as JSON can hold it."""
        weight = None if self.protected is None else self.protected[1]
        is_masked = self.masks is not None
        words = {"way": self.way, "shares": self.shares, "colour": self.colour}
        return {**words, "masks": is_masked, "protected": weight}

    def resized(self, photo: Tensor) -> "Controls":
        """The same for a photo (1, 3, H, W) of another size."""
        size = tuple(photo.shape[2:])

        def brought(mask: Tensor) -> Tensor:
            mask = mask.to(photo.device, photo.dtype)
            if tuple(mask.shape[2:]) == size:
                return mask
            return interpolate(mask, size, mode="bilinear", antialias=True).clamp(0, 1)

        masks = self.masks and [brought(mask) for mask in self.masks]
        protected = self.protected and (brought(self.protected[0]), self.protected[1])
        return replace(self, masks=masks, protected=protected)

    def regions(self, styles: list[Tensor]) -> list[Region]:
        """Each style with its mask and its share."""
        masks = self.masks or [None] * len(styles)
        shares = self.shares or [1 / len(styles)] * len(styles)
        return [Region(*region) for region in zip(styles, masks, shares, strict=True)]

    def before(self, photo: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """Photo and style with the colours in which they are to be painted."""
        if self.colour == "matched":
            return photo, matched_colour(style, photo)
        if self.colour == "luminance":
            return grey(photo), matched_luminance(style, photo).clamp(0, 1)
        return photo, style

    def after(self, photo: Tensor, painting: Tensor) -> Tensor:
        """The painting with the colours that it is to have; all (1, 3, H, W) of one size."""
        if self.colour in ("luminance", "afterwards"):
            return with_colours_of(photo, painting)
        return painting
