# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# <!-- top -->
#
# # Paint bigger pictures
#
# > **You will do** carry a painting from 256 to 512 pixels (one of 1,024 waits at the end), foretell the memory that it takes, and compute it in tiles.
# > **You will learn** why large pictures lose the style, and what saves time, memory, or both.
# > **You need** the loss of notebook 05, and `optimise`, which runs the L-BFGS of notebook 07.
# > **Time** 75 minutes with the exercises; about a minute and a half of computing on a laptop.
# > **Came before** recipes and knobs on small pictures; here they grow.
#
# ![A dune after Hokusai's great wave, twice: painted at once, its sky is covered with faint small curls; painted from coarse to fine, waves with dark blue hollows rise in it, and foam sprays from the dune's crest.](../data/results/09_large.jpg)
#
# *A dune after Hokusai, 1,024 pixels, equal work: left at once, right from coarse to fine; below, a piece of each, pixel for
# pixel. Look at the sky: how large is its largest form?*

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Long sides in pixels, of the small, middle and large picture:

# %% tags=["settings"]
import torch

small, middle, large = 128, 256, 512

# %% [markdown]
# ## Why large pictures lose the style
#
# **A layer sees a fixed number of pixels, however many there are.** First the pair of pictures: five hikers on a dune, and
# Hokusai's great wave. We load two networks. `vgg` computes in float32; with it we count and compare. `painter` is turned
# to half precision by `fast`, if your processor has units for that, and paints about twice as fast; why that is safe is the
# question of a later section:

# %%
from helpers.fast import fast
from helpers.images import load
from helpers.show import show
from helpers.vgg import VGG

vgg = VGG()
painter = fast(VGG(device=vgg.device))
pictures = [load("desert_dune", 512), load("hokusai_great_wave", 512)]
show(pictures, ["content", "style"], height=300,
     alt="Left, five tiny hikers on the flank of an orange dune under a pale blue "
     "sky; right, a great wave with white claws towers over boats.")

# %% [markdown]
# The loss is that of notebook 05, relative errors of five layers and some content. It takes its network as an argument:

# %%
from helpers.losses import content_loss, gram, style_loss
from helpers.transfer import optimise

layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def make_loss(photo, style, net=painter):
    A = {name: gram(features) for name, features in net(style, layers).items()}
    P = net(photo, ["relu4_2"])["relu4_2"]

    def loss(image):
        features = net(image, [*layers, "relu4_2"])
        errors = [style_loss(features[name], A[name]) for name in layers]
        return sum(errors) / len(layers) + 0.03 * content_loss(features["relu4_2"], P)

    return loss


# %% [markdown]
# How many pixels across does one number depend on? As notebook 01 counted, a convolution adds a neighbour on each side; a
# pooling adds one, and doubles the *jump*, the distance between neighbours in pixels:


# %%
# NBVAL_CHECK_OUTPUT
def fields(names):
    found, field, jump = {}, 1, 1
    for name in names:
        if name.startswith("conv"):
            field += 2 * jump
        if name.startswith("pool"):
            field, jump = field + jump, 2 * jump
        found[name] = field
    return found


print({name: fields(vgg.layers)[name] for name in layers})

# %% [markdown]
# Is it true? Ask the network: the gradient of one place is zero where it does not look. Max pooling looks at one of four,
# so a copy with average pooling answers:


# %%
# NBVAL_CHECK_OUTPUT
from helpers.images import noise

average = VGG(pool="avg", device=vgg.device)


def touches(layer):
    image = noise(torch.empty(1, 3, 224, 224)).to(vgg.device).requires_grad_()
    features = average(image, [layer])[layer]
    features[0, :, features.shape[2] // 2, features.shape[3] // 2].sum().backward()
    columns = image.grad[0].abs().sum((0, 1)).nonzero()
    return (columns.max() - columns.min() + 1).item()


print({layer: touches(layer) for layer in layers})

# %% [markdown]
# The same five numbers. In a picture of 128 pixels `relu5_1` sees more than the whole, and in one of 1,024 less than a
# sixth of its width.
#
# What does that mean for a painting? Two sizes matter here, that of the picture and that of the style image, and it is
# easy to blame the one for what the other did. So we change them one by one. First the picture stays at 256 pixels, and
# the style image is loaded at 128 or at 320. (`matched_colour` and `parametrize=pyramid` make a short run go far; both
# are explained below.)
#
# **Your turn, before you run it:** what will the larger style image change?

# %%
from helpers.fast import matched_colour, pyramid
from helpers.images import as_saved


def pair(side, style_side=None):  # the style is a quarter wider, or as wide as you say
    photo = load("desert_dune", side)
    style = load("hokusai_great_wave", style_side or side * 5 // 4)
    return photo.to(vgg.device), style.to(vgg.device)


def painted(photo, style, evaluations):
    start = matched_colour(photo, style)
    loss = make_loss(photo, style)
    return as_saved(optimise(start, loss, evaluations, parametrize=pyramid).image)


fine_style = painted(*pair(middle, 128), 40)
wide_style = painted(*pair(middle, 320), 40)
titles = ["style image of 128 px", "style image of 320 px"]
show([fine_style, wide_style], titles, height=280,
     alt="The dune twice, with waves for clouds: with the small style image many "
     "small waves and hills crowd the sky, with the large one a broad white crest "
     "and wide dark flecks fill it.")

# %% [markdown]
# The marks take their width from the style image. With the small one, several whole waves with their foam fit beside each
# other into the sky. With the large one everything is two and a half times as wide, and a single white crest rises at the
# right. From here on, the style image is always a quarter wider than the photo.
#
# So could we paint at any size, if only the style image grows with the picture? Here both are twice as large: 512 pixels,
# and a style image of 640. **Your turn, before you run it:** Hokusai's great wave takes about half the width of his print,
# which was 160 pixels and is now 320. Which of the five layers can see the whole of it?

# %%
at_once = painted(*pair(large), 30)
titles = ["256 px, enlarged", "painted at 512 px"]
show([wide_style, at_once], titles, height=312,
     alt="Two dunes: enlarged from 256 px, a broad white crest and wide flecks fill "
     "the sky; painted at 512 px, small curls and dots cover it evenly.")

# %% [markdown]
# Before, `relu5_1` with its 156 pixels could see nearly all of it, and now no layer can. At 512 pixels the sky is covered evenly with
# small curls, flecks and dots; the broad white crest is gone. What no layer sees, no layer asks for.
#
# ## Coarse to fine
#
# **Paint small, where large motifs fit into the field; then enlarge, and let the large size add what is fine.** Gatys,
# Ecker, Bethge, Hertzmann and Shechtman (2017) do so for high resolutions. It takes a few lines:


# %%
from torch.nn.functional import interpolate


def grow(plan, image=None):  # plan: (long side, evaluations), coarsest first
    for side, evaluations in plan:
        photo, style = pair(side)
        if image is None:
            image = matched_colour(photo, style)
        image = interpolate(image, photo.shape[2:], mode="bicubic").clamp(0, 1)
        image = optimise(image, make_loss(photo, style), evaluations, parametrize=pyramid).image
    return as_saved(image)


# %% [markdown]
# At half the size an evaluation has a quarter of the pixels, and costs about a quarter. The picture of 256 pixels above
# took 40 evaluations, which are worth 10 at 512 pixels. We enlarge it and make 20 more, so that it has cost as much as the
# 30 evaluations at once:

# %%
in_two = grow([(large, 20)], wide_style)
titles = ["30 evaluations at 512 px", "40 at 256 px, then 20 at 512 px"]
show([at_once, in_two], titles, columns=1, height=341,
     alt="Two dunes of 512 px: painted at once, small curls cover the sky evenly; "
     "from coarse to fine, a broad white crest and a dark overhanging wave rise "
     "in it, with fine curls and dots inside.")

# %% [markdown]
# For the same work the second picture has its white crest back, the dark wave that hangs over at its right, and wide flecks
# above the dune, and within them the curls and dots of the first.
#
# Can one measure what the eye sees? Step back from the screen until the two look small. In numbers: shrink both to 256
# and to 128 pixels, shrink the style image with them, and ask for the mean style error over the five layers:


# %%
def style_error(image, side):
    photo, style = pair(side)
    reduced = interpolate(image, photo.shape[2:], mode="bicubic", antialias=True)
    with torch.no_grad():
        A = {name: gram(features) for name, features in vgg(style, layers).items()}
        features = vgg(reduced.clamp(0, 1), layers)
        errors = [style_loss(features[name], A[name]) for name in layers]
    return sum(errors).item() / len(layers)


for side in (large, middle, small):
    once, twice = style_error(at_once, side), style_error(in_two, side)
    print(f"seen at {side} px: at once {once:.3f}, in two {twice:.3f}")

# %% [markdown]
# Seen in full the two are about equally good. The loss of a large picture cannot tell them apart, although you can. Seen
# at half the size, where the layers see twice as far, the one that was painted at once has about twice the error of the
# other.
#
# **Exercise 1** · ●○○ · 5 min. A plan makes so many evaluations at each long side. How many at the last one cost the same?


# %% tags=["spec"]
def equal_spec(sides, counts):
    pixels = 0
    for side, count in zip(sides, counts, strict=True):
        pixels += count * side * side
    return pixels / (sides[-1] * sides[-1])


# %% tags=["exercise"]
def my_equal(sides, counts):
    """Long sides, numbers of evaluations, (n,) each -> evaluations at the last side, without a loop."""
    # solution
    return (counts * (sides / sides[-1]) ** 2).sum()


# %% tags=["check"]
from helpers.check import check

check(my_equal, equal_spec, torch.tensor([256.0, 512.0, 1024.0]), torch.tensor([64.0, 40.0, 16.0]), trials=1);

# %% [markdown]
# <details><summary>Hint</summary>
#
# An evaluation costs the square of its side. Take that as a share of the last one's.
#
# </details>
#
# <!-- solution: my_equal -->
#
# ## A pyramid as the variable
#
# **What L-BFGS changes need not be the pixels.** Two neighbouring pixels, 3 and 1; their loss bends by 200 along (1, 1) and
# by 2 along (1, −1). The same two from a coarse number, which moves both by a tenth, and a fine one, which moves them
# apart: 2 + 1 and 2 − 1. **Your turn, before you run it:** each way gets the rate for its steepest direction. How many steps
# will the second need?


# %%
# NBVAL_CHECK_OUTPUT
def bent(pixels):
    return 50 * (pixels[0] + pixels[1]) ** 2 + 0.5 * (pixels[0] - pixels[1]) ** 2


def of_pyramid(numbers):
    return bent((0.1 * numbers[0] + numbers[1], 0.1 * numbers[0] - numbers[1]))


def descend(loss, x, rate, steps):
    for _ in range(steps):
        x = x - rate * torch.func.grad(loss)(x)
    return loss(x).item()


print(f"pixels:  {descend(bent, torch.tensor([3.0, 1.0]), 1 / 200, 20):.3f} after 20 steps")
print(f"pyramid: {descend(of_pyramid, torch.tensor([20.0, 1.0]), 1 / 4, 1):.3f} after 1 step")

# %% [markdown]
# One: in coarse $c$ and fine $f$ the loss is $2c^2 + 2f^2$, which is round. L-BFGS learns such weights itself, a direction
# a pair, but a painting has more directions than pairs. So we hand it a guess. The image is the start plus a sum of
# levels, each half the size of the one before, and enlarged:


# %%
def levels(start, weights=(1.0, 0.7, 0.5, 0.35, 0.25)):
    sides = [(start.shape[2] >> k, start.shape[3] >> k) for k in range(len(weights))]
    variables = [start.new_zeros(1, 3, *side).requires_grad_() for side in sides]

    def picture():
        enlarged = [interpolate(v, start.shape[2:], mode="bilinear") for v in variables]
        return start + sum(w * level for w, level in zip(weights, enlarged, strict=True))

    return variables, picture


# %% [markdown]
# Which weights? Measure how the loss of a painting bends along one number of a level, in grey and from blue to red. One
# over the root of that would make all alike. In parts of the finest grey's:

# %%
little, theme = pair(96)
loss = make_loss(little, theme, vgg)  # in float32: we look at small differences
generator = torch.Generator().manual_seed(0)
image = optimise(little, loss, 30, parametrize=pyramid).image


@torch.no_grad()
def bend(level, axis):  # the second difference of the loss, for one number
    sides = (little.shape[2] >> level, little.shape[3] >> level)
    numbers = 0.005 * torch.randn(1, 1, *sides, generator=generator)
    enlarged = interpolate(numbers, little.shape[2:], mode="bilinear")
    step = (enlarged * torch.tensor(axis).view(1, 3, 1, 1)).to(vgg.device)
    change = loss(image + step) + loss(image - step) - 2 * loss(image)
    return change.item() / numbers.square().sum().item()


axes = {"grey": (0.58, 0.58, 0.58), "blue to red": (0.71, 0.0, -0.71)}
bends = {}
for name, axis in axes.items():
    means = [sum(bend(k, axis) for _ in range(4)) / 4 for k in range(5)]
    bends[name] = [max(1e-9, mean) for mean in means]
for name, values in bends.items():
    weights = [f"{(bends['grey'][0] / value) ** 0.5:.2f}" for value in values]
    print(f"{name:11}, finest to coarsest:", *weights)

# %% [markdown]
# Both fall, colour faster: it is free in fine detail and stiff in large areas. The helpers' `pyramid` weighs grey with 1
# to 0.25 and colour with 1.7, 0.3, 0.15, 0.08, 0.04, found by trial. It also lengthens the first step, which PyTorch makes
# too short for a picture.
#
# Most colour need not be searched for: `matched_colour` gives the photo the mean and covariance of the style's colours in
# closed form (Pitié and Kokaram 2007). Four racers:

# %%
from helpers.show import plot

photo, style = pair(small)
loss = make_loss(photo, style)
coloured = matched_colour(photo, style)
racers = {
    "pixels": (photo, None),
    "levels": (photo, levels),
    "pyramid": (photo, pyramid),
    "colours too": (coloured, pyramid),
}
race = {}
for name, (start, parametrize) in racers.items():
    history = torch.tensor(optimise(start, loss, 40, parametrize=parametrize).history)
    race[name] = history.cummin(0).values.tolist()
plot(race, xlabel="evaluation", ylabel="lowest loss so far",
     alt="Four falling curves: pixels are highest throughout, our levels a little "
     "lower, the pyramid far lower for the first fifteen evaluations, and matched "
     "colours lowest; towards the right all draw together.")

# %% [markdown]
# Matched colours begin lower, and the pyramid falls at once, while the pixels hesitate for ten evaluations. Our own levels
# lie in between. Here are the losses as parts of the pixels' loss:

# %%
for name in ("levels", "pyramid", "colours too"):
    ratios = [race[name][n - 1] / race["pixels"][n - 1] for n in (10, 20, 40)]
    line = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"{name:11}: {line} of the pixels' loss after 10, 20, 40")

# %% [markdown]
# After ten evaluations the pyramid has about a third of the pixels' loss; after 40 only a tenth is left of its advantage,
# and somewhat more with matched colours. So these are ways to be early: they decide a short run, and hardly a long one.
#
# ## What takes the memory?
#
# **What the way back needs is kept on the way there.** A convolution keeps its input and a ReLU its output: one and the
# same map, four bytes for each of $C\,h\,w$ numbers. A pooling passes a quarter on, and keeps for each, in eight bytes,
# which of four it was.
#
# **Your turn, before you run it:** which block takes most, the first with few large maps, or a deep one with many small
# maps?


# %%
# NBVAL_CHECK_OUTPUT
CHANNELS = (64, 128, 256, 512, 512)


def predicted(height, width):  # bytes that painting to relu5_1 keeps
    found = [4 * 3 * height * width]  # the image
    for C, convs in zip(CHANNELS, (2, 2, 4, 4, 1), strict=True):
        pool = 0 if convs == 1 else (4 + 8) * C * (height // 2) * (width // 2)
        found.append(4 * C * height * width * convs + pool)
        height, width = height // 2, width // 2
    return found


megabytes = [round(size / 1e6, 1) for size in predicted(171, 256)]
print("256 x 171 px, image and five blocks, in MB:", megabytes)

# %% [markdown]
# The first, by far: it takes nearly half, although it has the fewest channels.
#
# Is it so? PyTorch shows each tensor that it keeps to a hook. We count the storage behind each once, leave out the
# weights, and add the features that we hold ourselves:


# %%
from torch.autograd.graph import saved_tensors_hooks


def kept(net, image):  # in bytes
    storages = {}

    def note(tensor):
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        features = net(image, [*layers, "relu4_2"])
    for tensor in features.values():
        note(tensor)
    weights = {weight.untyped_storage().data_ptr() for weight in vgg.parameters()}
    return sum(size for storage, size in storages.items() if storage not in weights)


# %% [markdown]
# Predicted and kept, at two sizes:

# %%
# NBVAL_CHECK_OUTPUT
for side in (small, middle):
    image = load("desert_dune", side).to(vgg.device).requires_grad_()
    wanted = sum(predicted(*image.shape[2:])) / 1e6
    measured = kept(vgg, image) / 1e6
    print(f"{side} px: predicted {wanted:.2f} MB, kept {measured:.2f} MB")

# %% [markdown]
# Equal to the last digit shown. L-BFGS adds two vectors a pair; `optimise` keeps at most 50 pairs or 1 GB, but at least 5.
# For square pictures:

# %%
# NBVAL_CHECK_OUTPUT
for side in (512, 1024, 2048, 4096):
    maps = sum(predicted(side, side)) / 1e9
    pairs = max(5, min(50, 10**9 // (8 * 3 * side**2)))
    history = pairs * 24 * side**2 / 1e9
    print(f"{side:4} px: maps {maps:5.2f} GB; {pairs:2} pairs {history:.2f} GB")

# %% [markdown]
# Twice the side takes four times the memory. At 1,024 pixels the maps ask for 1.6 GB, and at 2,048 for 6.4;
# those of the moment come on top. In half precision the maps take half, and the poolings' places stay.
#
# **Exercise 2** · ●●○ · 10 min. How large a square picture fits? The specification tries side after side; `cost` is in
# bytes a pixel:


# %% tags=["spec"]
def fits_spec(room, cost):
    side = 0
    while (side + 16) ** 2 * cost <= room:
        side += 16
    return torch.tensor(side)


# %% tags=["exercise"]
def my_fits(room, cost):
    """Bytes of room, bytes a pixel -> the largest multiple of 16 that fits, as a tensor, without a loop."""
    # solution
    side = (room / cost) ** 0.5
    return torch.tensor(int(side // 16) * 16)


# %% tags=["check"]
from helpers.check import check

check(my_fits, fits_spec, 5_000_000, 100.0, trials=1);

# %% [markdown]
# <details><summary>Hint</summary>
#
# The bytes are `cost` times the side squared. Turn that round, then cut to a multiple of 16.
#
# </details>
#
# <!-- solution: my_fits -->
#
# ## Time for memory
#
# **What is not kept can be computed again.** `checkpoint` keeps only the input of a stage, and runs the stage again on the
# way back. Our stages end at the layers that we read; the forward pass is three lines:

# %%
from torch.utils.checkpoint import checkpoint


def stages(wanted):
    found, stage = {}, torch.nn.Sequential()
    for name, layer in vgg.layers.items():
        stage.append(layer)
        if name in wanted:
            found[name], stage = stage, torch.nn.Sequential()
    return found


def frugal(image, wanted):
    features, found = (image - vgg.mean) / vgg.std, {}
    for name, stage in stages(wanted).items():
        found[name] = features = checkpoint(stage, features, use_reentrant=False)
    return found


# %% [markdown]
# Is the gradient the same? And what is kept?

# %%
# NBVAL_CHECK_OUTPUT
coloured = matched_colour(*pair(middle))
image = coloured.clone().requires_grad_()
style = pair(middle)[1]
targets = {name: gram(features) for name, features in vgg(style, layers).items()}
sizes = []
gradients = []
for net in (vgg, frugal):
    sizes.append(kept(net, image))
    features = net(image, layers)
    loss = sum(style_loss(features[name], targets[name]) for name in layers)
    gradients += torch.autograd.grad(loss, image)
torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-8)
print(f"equal gradients; kept: {sizes[0] / sizes[1]:.1f} times less")

# %% [markdown]
# The same gradient, from about a third of the bytes. The price: each stage runs forward twice, which is about a third more
# work, and the stage that is being repeated has all its maps there for a moment.
#
# ## Tiles
#
# **A Gram matrix is a sum over places, so it can be summed tile by tile.** The exact way has two passes. The first sums
# $F F^T$ over all tiles and keeps nothing else. The loss of the sum gives $\partial L / \partial G$, a small matrix a
# layer. In the second, each tile sends back $\langle \partial L / \partial G,\; F F^T \rangle$ of its own places: the
# chain rule in pieces.
#
# A tile must see beyond its edge. So it is cut out with a halo of at least half the field, whose features are then
# dropped. Edges lie on multiples of the jump, or poolings would pair other pixels:

# %%
jumps = {"relu1_1": 1, "relu2_1": 2, "relu3_1": 4}  # relu3_1 sees 24 px: a halo of 12 is enough


def tile_features(image, top, left, side, halo):
    bottom, right = (min(corner + side, size) for corner, size in zip((top, left), image.shape[2:], strict=True))
    y, x = max(0, top - halo), max(0, left - halo)
    features = vgg(image[..., y : bottom + halo, x : right + halo], list(jumps))
    return {
        name: features[name][0, :, (top - y) // j : (bottom - y) // j, (left - x) // j : (right - x) // j].flatten(1)
        for name, j in jumps.items()
    }


# %% [markdown]
# The two passes, divided by the number of places at the end:


# %%
from helpers.losses import relative_error


def tiled_gradient(image, targets, halo, side=64):
    image = image.clone().requires_grad_()
    corners = [(top, left) for top in range(0, image.shape[2], side) for left in range(0, image.shape[3], side)]
    sums, places = dict.fromkeys(jumps, 0), dict.fromkeys(jumps, 0)
    with torch.no_grad():
        for corner in corners:
            for name, F in tile_features(image, *corner, side, halo).items():
                sums[name], places[name] = sums[name] + F @ F.T, places[name] + F.shape[1]
    G = {name: (sums[name] / places[name]).requires_grad_() for name in jumps}
    sum(relative_error(G[name], targets[name]) for name in jumps).backward()
    for corner in corners:
        tile = tile_features(image, *corner, side, halo)
        sum((G[name].grad / places[name] * (F @ F.T)).sum() for name, F in tile.items()).backward()
    return image.grad


# %% [markdown]
# **The seam test:** the judge is the whole picture at once.

# %%
whole = coloured.clone().requires_grad_()
features = vgg(whole, list(jumps))
sum(style_loss(features[name], targets[name]) for name in jumps).backward()

# %% [markdown]
# A tile without a halo is what one writes first. The mean difference, as a part of the mean gradient:

# %%
# NBVAL_CHECK_OUTPUT
wrong = {}
for halo in (16, 0):
    difference = (tiled_gradient(coloured, targets, halo) - whole.grad).abs()
    share = difference.mean() / whole.grad.abs().mean()
    wrong[halo] = difference.amax(1)[0]
    print(f"halo of {halo:2} px: {share:.4f}")

# %% [markdown]
# With a halo it is exact but for rounding. Without one, about a third of the gradient is wrong. Where?

# %%
from helpers.show import heat

brightest = wrong[0].quantile(0.995)
maps = [heat(difference, 0, brightest) for difference in wrong.values()]
show(maps, ["halo of 16 px", "no halo"], height=300,
     alt="Two maps of differences: black with a halo; without one, bright lines cross "
     "a speckled ground every 64 pixels.")

# %% [markdown]
# Most along the seams, every 64 pixels, where convolutions met zeros in place of the neighbour; and less, but
# everywhere, because the sums are wrong too. What is kept at a time is one tile's, whatever the picture. Content is a
# sum over places as well; to `relu5_1`, a halo of 80 pixels will do.
#
# **Exercise 3** · ●○○ · 5 min. Sum a Gram matrix from pieces of unequal width:


# %% tags=["spec"]
def pieces_spec(features, widths):
    flat = features[0].flatten(1)
    assert sum(widths) == flat.shape[1]
    return flat @ flat.T / flat.shape[1]


# %% tags=["exercise"]
def my_pieces(features, widths):
    """Features (1, C, h, w), how many places each piece has -> the Gram matrix / hw; multiply pieces only."""
    # solution
    flat = features[0].flatten(1)
    return sum(piece @ piece.T for piece in flat.split(widths, dim=1)) / flat.shape[1]


# %% tags=["check"]
from helpers.check import check

check(my_pieces, pieces_spec, (1, 4, 3, 10), [8, 16, 6]);

# %% [markdown]
# <details><summary>Hint</summary>
#
# `flat.split([8, 16, 6], dim=1)` gives the pieces. Divide once, at the end: they are not equally wide.
#
# </details>
#
# <!-- solution: my_pieces -->
#
# ## Half precision
#
# **Sixteen bits can be spent on range or on digits.** Both kinds halve the maps, and some processors multiply them faster.
# A hundred places with a feature of 30, whose squares sum to 90,000; a gradient of 1e-8; and 257:

# %%
# NBVAL_CHECK_OUTPUT
F = torch.full((100,), 30.0)
for kind in (torch.float32, torch.float16, torch.bfloat16):
    numbers = [F.to(kind).square().sum(), torch.tensor(1e-8).to(kind), torch.tensor(257.0).to(kind)]
    print(f"{kind}:", *[f"{number.item():.6g}" for number in numbers], f" largest {torch.finfo(kind).max:.3g}")

# %% [markdown]
# float16 ends at 65,504: the sum is infinite, and so small a gradient is zero. bfloat16 has the range of float32, and 8
# bits of digits: 257 becomes 256. In earnest, the largest entry of $F F^T$ for the photo:

# %%
with torch.no_grad():
    for side in (middle, 1024):
        features = vgg(load("desert_dune", side).to(vgg.device), layers[:3]).values()
        largest = [gram(F).max().item() * F[0, 0].numel() for F in features]
        print(f"{side:4} px:", *[f"{entry:14,.0f}" for entry in largest])

# %% [markdown]
# All three are beyond 65,504 even at 256 pixels, and they grow with the places: at 1,024 pixels `relu1_1` is beyond it more
# than a hundredfold. So `gram` sums in float32, whatever the maps are. Small gradients need bfloat16, or a loss that is
# multiplied before and divided after.
#
# That is what `fast` takes care of. It asks the device which units it has, and never a stopwatch, so a busy machine decides
# as a quiet one does. Where there are units for bfloat16 it turns the layers with
# `net.layers.to(torch.bfloat16, memory_format=torch.channels_last)`; losses and Gram matrices stay in float32. Does the
# painting suffer? Two of them, from the same start, each judged in float32:

# %%
photo, style = pair(192)
judge = make_loss(photo, style, vgg)
paintings = []
titles = []
for net in (vgg, painter):
    start = matched_colour(photo, style)
    image = optimise(start, make_loss(photo, style, net), 20, parametrize=pyramid).image
    paintings.append(image)
    titles.append(f"{net.dtype}: loss {judge(as_saved(image)).item():.4f}")
show(paintings, titles, height=240,
     alt="Two paintings of the dune that can hardly be told apart, one computed in "
     "float32 and one in bfloat16.")

# %% [markdown]
# The same waves in nearly the same places, and nearly the same loss. (If both lines say float32, your processor has no such units, and the two pictures are the same.) The gain in
# time depends on the machine: `python -m tools.bench` tells.
#
# ## What a GPU changes
#
# **Nothing on this page was measured on a GPU.** What to expect there, and where to look:
#
# - *Speed.* A small picture does not fill a GPU: its milliseconds hardly grow with the size at first, and later with the
#   pixels. `python -m tools.bench` prints them size by size.
# - *Precision.* Newer ones can multiply float32 as tf32, with 11 bits of digits
#   (`torch.backends.cuda.matmul.allow_tf32`), and bfloat16 faster still. Compare losses before you believe a time.
# - *Overhead.* L-BFGS is many small operations, each of which must be launched. CUDA graphs replay a whole evaluation;
#   `torch.compile` merges operations, and pays late: compiling takes longer than many a painting.
# - *Memory.* It is now the limit: compare `torch.cuda.max_memory_allocated()` with our table.
#
# ## 1,024 pixels
#
# **All of it together.** The picture at the top comes from `python -m tools.pictures.results 09_large`: matched
# colours, the pyramid, half precision, and either 39 evaluations at 1,024 pixels, or 60 at 256, 40 at 512 and 25 at
# 1,024, which is the same work (Exercise 1). The style image is 320, 640, then 1,280 pixels wide, as its file is. Both
# paintings in full are in `data/results/large`.
#
# At once, the sky is covered with faint small curls, as if sand were blowing everywhere, and the dune is still a photo with a
# grain. From coarse to fine, waves stand in the sky with dark blue hollows, a white crest rises at the right, and dark foam
# sprays from the top of the dune. By the loss one would hardly know: seen in full, the mean style error is 0.025 at once,
# and 0.023 from coarse to fine.
#
# What do the later stages add? Here is a piece of our own painting, before and after it was carried from 256 to 512 pixels:

# %% tags=["painting"]
enlarged = interpolate(wide_style, in_two.shape[2:], mode="bicubic").clamp(0, 1)
pieces = [image[..., 20:260, 200:500] for image in (enlarged, in_two)]
show(pieces, ["256 px, enlarged", "painted on at 512 px"], height=360,
     alt="A piece of the dune's crest and the sky above it: blurred broad forms at "
     "left, the same forms with sharp edges, small curls and dots at right.")

# %% [markdown]
# The broad forms are the same. At right they have edges, and small curls and dots inside.
#
# ## In this notebook we
#
# - counted what a layer sees, asked the network, and lost the large motifs of a style to a large picture;
# - painted from coarse to fine, which brings them back, and through a pyramid, which makes the loss low early;
# - foretold memory to the last digit, and saved it with checkpoints, tiles without seams, and bfloat16.
#
# **On your own.** Begin the plan at 64 pixels: what becomes of the hikers? A halo of 8: how bright are the seams?
#
# **In practice.** `optimise(..., parametrize=pyramid)` and `fast(vgg)` are one word each. Begin where the deepest layer
# sees most of the picture, double the size, and spend half of the work on the last.
#
# **Further reading.** Gatys and others, *Controlling Perceptual Factors in Neural Style Transfer* (CVPR 2017, arXiv
# 1611.07865): high resolution, and the controls of notebook 10. Burt and Adelson, *The Laplacian Pyramid as a Compact
# Image Code* (1983): a picture as levels. Chen and others, *Training Deep Nets with Sublinear Memory Cost* (2016, arXiv
# 1604.06174): where to place checkpoints.
#
# <!-- bottom -->
