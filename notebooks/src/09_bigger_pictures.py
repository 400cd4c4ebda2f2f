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
# > **You will do** carry a painting to 1,024 pixels, foretell the memory that it takes, and compute it in tiles.
# > **You will learn** why large pictures lose the style, and what saves time, memory, or both.
# > **You need** the loss of notebook 05, and `optimise`, which runs the L-BFGS of notebook 07.
# > **Time** 50 minutes; about 35 seconds of computing on a laptop.
# > **Came before** recipes and knobs on small pictures; here they grow.
#
# ![Four pictures of a rocket in blue strokes: painted at once, its sky is nearly plain with fine ripples; painted from coarse to fine, it has bands of waves and wide arcs over patches of blue and green.](../data/results/09_large.jpg)
#
# *1,024 pixels, equal work: left at once, right from coarse to fine; below, a piece of each, pixel for pixel. Look at the
# sky: how wide are the strokes?*

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
# **A layer sees a fixed number of pixels, however many there are.** First the pair of pictures and the network:

# %%
from helpers.images import load
from helpers.show import show
from helpers.vgg import VGG

vgg = VGG()
photo, style = load("rocket", middle).to(vgg.device), load("starry_night", 320).to(vgg.device)
show([photo, style], ["content", "style"], height=200,
     alt="Left, a white rocket between masts and towers under an even night sky; right, The Starry Night with its swirls.")

# %% [markdown]
# The loss of notebook 05, relative errors of five layers and some content, as a function of its network too:

# %%
from helpers.transfer import content_loss, gram, optimise, style_loss

layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def make_loss(photo, style, net=vgg):
    A = {name: gram(features) for name, features in net(style, layers).items()}
    P = net(photo, ["relu4_2"])["relu4_2"]

    def loss(image):
        features = net(image, [*layers, "relu4_2"])
        errors = [style_loss(features[name], A[name]) for name in layers]
        return sum(errors) / len(layers) + 0.05 * content_loss(features["relu4_2"], P)

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

average = VGG(vgg.name.removeprefix("vgg19-"), pool="avg", device=vgg.device)


def touches(layer):
    image = noise(torch.empty(1, 3, 224, 224)).to(vgg.device).requires_grad_()
    features = average(image, [layer])[layer]
    features[0, :, features.shape[2] // 2, features.shape[3] // 2].sum().backward()
    columns = image.grad[0].abs().sum((0, 1)).nonzero()
    return (columns.max() - columns.min() + 1).item()


print({layer: touches(layer) for layer in layers})

# %% [markdown]
# The same five numbers. At 128 pixels `relu5_1` sees more than the whole picture, at 1,024 less than a sixth of its width.
#
# **Before you run it:** the same photo at 128, 256 and 512 pixels, the same style image, twelve evaluations each. What
# becomes of the swirls? (What `via=pyramid` does is told below.)

# %%
from helpers.fast import pyramid
from helpers.images import as_saved

growing = {}
for side in (small, middle, large):
    picture = load("rocket", side).to(vgg.device)
    growing[side] = as_saved(optimise(picture, make_loss(picture, style), 12, via=pyramid).image)
show(list(growing.values()), [f"painted at {side} px" for side in growing],
     alt="The rocket painted at three sizes, shown equally large: wide strokes sweep through the sky at 128 px, smaller "
     "ones at 256, and at 512 the sky is nearly plain, with fine ripples.")

# %% [markdown]
# At 128 pixels wide strokes sweep through the sky, at 256 they are smaller, and at 512 it is a photo with ripples. A
# stroke is what the layers can see at once, so it has a size in pixels.
#
# A larger style image helps only as far as the layers see: to them, a swirl of 300 pixels is plain paint with a grain.
# Sizes of picture and style go together; from here on, the style is a quarter wider than the photo.
#
# ## Coarse to fine
#
# **Paint small, where swirls fit into the field; then enlarge, and let the large size add what is fine.** Gatys, Ecker,
# Bethge, Hertzmann and Shechtman (2017) do so for high resolutions. In ten lines:


# %%
from torch.nn.functional import interpolate


def pair(side):
    return load("rocket", side).to(vgg.device), load("starry_night", side * 5 // 4).to(vgg.device)


def grow(plan, via=None):  # plan: (long side, evaluations), coarsest first
    image, _ = pair(plan[0][0])
    for side, evaluations in plan:
        photo, style = pair(side)
        image = interpolate(image, photo.shape[2:], mode="bicubic").clamp(0, 1)
        image = optimise(image, make_loss(photo, style), evaluations, via=via).image
    return as_saved(image)


# %% [markdown]
# At half the size an evaluation has a quarter of the pixels, and costs a quarter. With plain L-BFGS on pixels: 16
# evaluations at 256, or 24 at 128 (worth 6) and then 10. **Before you run it:** which ends with the wider
# swirls?

# %%
at_once, in_two = grow([(middle, 16)]), grow([(small, 24), (middle, 10)])
show([at_once, in_two], ["16 at 256 px", "24 at 128 px, then 10 at 256 px"], height=240,
     alt="The rocket at 256 pixels: at left fine ripples in an even blue sky, at right broader strokes, and wide curves beside the rocket.")

# %% [markdown]
# At left ripples, at right broader strokes, and curves as wide as the gap between the rocket and a mast. How strong are
# marks wider than 9 pixels and narrower than 33, in the sky?


# %%
from torch.nn.functional import avg_pool2d


def wide_marks(image):  # in grey levels
    sky = image[..., 15:115, 40:118].mean(1, keepdim=True)
    fine, coarse = (avg_pool2d(sky, k, 1, k // 2, count_include_pad=False) for k in (9, 33))
    return 255 * (fine - coarse).std().item()


# %% [markdown]
# In numbers:

# %%
# NBVAL_CHECK_OUTPUT
print(f"wide marks over 1.3 times as strong: {wide_marks(in_two) > 1.3 * wide_marks(at_once)}")

# %% [markdown]
# Wider marks for the same work. The loss does not tell: after these few evaluations it was, in our trials, level with the
# other or well above it. With 60 they were nearly level, and the wide marks still weaker without the small size.
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
# apart: 2 + 1 and 2 − 1. **Before you run it:** each way gets the rate for its steepest direction. How many steps will the
# second need?


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
loss, generator = make_loss(little, theme), torch.Generator().manual_seed(0)
image = optimise(little, loss, 30, via=pyramid).image


@torch.no_grad()
def bend(level, axis):  # the second difference of the loss, for one number
    numbers = 0.005 * torch.randn(1, 1, little.shape[2] >> level, little.shape[3] >> level, generator=generator)
    step = (interpolate(numbers, little.shape[2:], mode="bilinear") * torch.tensor(axis).view(1, 3, 1, 1)).to(vgg.device)
    return (loss(image + step) + loss(image - step) - 2 * loss(image)).item() / numbers.square().sum().item()


axes = {"grey": (0.58, 0.58, 0.58), "blue to red": (0.71, 0.0, -0.71)}
bends = {name: [max(1e-9, sum(bend(k, axis) for _ in range(4)) / 4) for k in range(5)] for name, axis in axes.items()}
for name, values in bends.items():
    print(f"{name:11}, finest to coarsest:", *[f"{(bends['grey'][0] / value) ** 0.5:.2f}" for value in values])

# %% [markdown]
# Both fall, colour faster: it is free in fine detail and stiff in large areas. The helpers' `pyramid` weighs grey with 1
# to 0.25 and colour with 1.7, 0.3, 0.15, 0.08, 0.04, found by trial. It also lengthens the first step, which PyTorch makes
# too short for a picture.
#
# Most colour need not be searched for: `matched_colour` gives the photo the mean and covariance of the style's colours in
# closed form (Pitié and Kokaram 2007). Four racers:

# %%
from helpers.fast import matched_colour
from helpers.show import plot

photo, style = pair(small)
loss, coloured = make_loss(photo, style), matched_colour(photo, style)
racers = {"pixels": (photo, None), "levels": (photo, levels), "pyramid": (photo, pyramid), "colours too": (coloured, pyramid)}
race = {name: optimise(start, loss, 40, via=via).history for name, (start, via) in racers.items()}
race = {name: torch.tensor(history).cummin(0).values.tolist() for name, history in race.items()}
plot(race, xlabel="evaluation", ylabel="lowest loss so far",
     alt="Four falling curves: the pyramid is soon below the pixels; the levels start late and pass them later; the one "
     "with matched colours begins lowest and soon runs with the pyramid; towards the right all draw together.")

# %% [markdown]
# After ten evaluations the pyramid has about half of the pixels' loss; matched colours begin lower, and the pyramid soon
# catches up. Our levels start late, but soon pass the pixels. Then the curves draw together:

# %%
# NBVAL_CHECK_OUTPUT
for name in ("pyramid", "colours too"):
    ratios = [race[name][n - 1] / race["pixels"][n - 1] for n in (10, 20, 40)]
    print(f"{name}: under 0.9 of the pixels' loss after 10, 20: {ratios[0] < 0.9}, {ratios[1] < 0.9}; under half after 40: {ratios[2] < 0.5}")

# %% [markdown]
# A way to be early, not better: with another photo at 256 pixels, 10 evaluations of the pyramid were worth about 20 of
# pixels, and 120 hardly more than 120.
#
# ## What takes the memory?
#
# **What the way back needs is kept on the way there.** A convolution keeps its input and a ReLU its output: one and the
# same map, four bytes for each of $C\,h\,w$ numbers. A pooling passes a quarter on, and keeps for each, in eight bytes,
# which of four it was.
#
# **Before you run it:** which block takes most, the first with few large maps, or a deep one with many small maps?


# %%
# NBVAL_CHECK_OUTPUT
CHANNELS = {"vgg19-mini": (16, 32, 64, 128, 128), "vgg19": (64, 128, 256, 512, 512)}


def predicted(height, width, channels):  # bytes that painting to relu5_1 keeps
    found = [4 * 3 * height * width]  # the image
    for C, convs in zip(channels, (2, 2, 4, 4, 1), strict=True):
        pool = 0 if convs == 1 else (4 + 8) * C * (height // 2) * (width // 2)
        found.append(4 * C * height * width * convs + pool)
        height, width = height // 2, width // 2
    return found


for name, channels in CHANNELS.items():
    print(name, "at 256 x 171, image and blocks, MB:", [round(b / 1e6, 1) for b in predicted(171, 256, channels)])

# %% [markdown]
# The first, by far: nearly half.
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
channels = [vgg.layers[f"conv{block}_1"].out_channels for block in range(1, 6)]
for side in (small, middle):
    image = load("rocket", side).to(vgg.device).requires_grad_()
    wanted = sum(predicted(*image.shape[2:], channels))
    print(f"{side} px: predicted {wanted / 1e6:.2f} MB, kept {kept(vgg, image) / 1e6:.2f} MB")

# %% [markdown]
# Equal to the last digit shown. L-BFGS adds two vectors a pair; `optimise` keeps at most 50 pairs or 1 GB, but at least 5.
# For square pictures:

# %%
# NBVAL_CHECK_OUTPUT
for side in (512, 1024, 2048, 4096):
    mini, full = (sum(predicted(side, side, c)) / 1e9 for c in CHANNELS.values())
    pairs = max(5, min(50, 10**9 // (8 * 3 * side**2)))
    print(f"{side:4} px: mini {mini:5.2f} GB, vgg19 {full:5.2f} GB; {pairs:2} pairs {pairs * 24 * side**2 / 1e9:.2f} GB")

# %% [markdown]
# Twice the side, four times the memory. At 2,048 pixels the embedded network asks for about 2.5 GB and VGG19 for over 7,
# and the maps of the moment come on top.
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
image, sizes, gradients = in_two.clone().requires_grad_(), [], []
targets = {name: gram(features) for name, features in vgg(pair(middle)[1], layers).items()}
for net in (vgg, frugal):
    sizes.append(kept(net, image))
    features = net(image, layers)
    gradients += torch.autograd.grad(sum(style_loss(features[name], targets[name]) for name in layers), image)
print(f"equal: {torch.allclose(*gradients, rtol=1e-3, atol=1e-8)}; kept: {sizes[0] / sizes[1]:.1f} times less")

# %% [markdown]
# The same gradient, from well under half of the bytes. The price: each stage runs forward twice, about a third more work,
# and the one being repeated has all its maps there for a moment.
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
from helpers.transfer import relative_error


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
whole = in_two.clone().requires_grad_()
features = vgg(whole, list(jumps))
sum(style_loss(features[name], targets[name]) for name in jumps).backward()

# %% [markdown]
# A tile without a halo is what one writes first. The largest difference, in parts of the largest gradient:

# %%
# NBVAL_CHECK_OUTPUT
wrong = {halo: (tiled_gradient(in_two, targets, halo) - whole.grad).abs().amax(1)[0] for halo in (16, 0)}
for halo, difference in wrong.items():
    share = difference.max() / whole.grad.abs().max()
    print(f"halo {halo:2}: under a thousandth {(share < 1e-3).item()}, over a tenth {(share > 0.1).item()}")

# %% [markdown]
# With a halo it is exact but for rounding. Where is the other one wrong?

# %%
from helpers.show import heat

show([heat(difference, 0, wrong[0].quantile(0.995)) for difference in wrong.values()], ["halo of 16 px", "no halo"], height=240,
     alt="Two maps of differences: black with a halo; without one, bright lines cross a speckled ground every 64 pixels.")

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
        features = vgg(load("rocket", side).to(vgg.device), layers[:3]).values()
        print(f"{side:4} px:", *[f"{gram(F).max().item() * F[0, 0].numel():12,.0f}" for F in features])

# %% [markdown]
# `relu1_1` is beyond 65,504 even at 256 pixels, and all of them grow with the places: at 1,024 none fits. So `gram` sums
# in float32, whatever the maps are; small gradients need bfloat16, or a loss multiplied before and divided after.
#
# `half_precision` times a small convolution both ways. Where bfloat16 wins clearly it calls
# `net.layers.to(torch.bfloat16, memory_format=torch.channels_last)`. Both paintings are judged in float32:

# %%
from helpers.fast import half_precision

half = half_precision(VGG(vgg.name.removeprefix("vgg19-"), device=vgg.device))
photo, style = pair(192)
judge = make_loss(photo, style)
paintings = [optimise(photo, make_loss(photo, style, net), 20, via=pyramid).image for net in (vgg, half)]
titles = [f"{net.dtype}: loss {judge(as_saved(image)).item():.4f}" for net, image in zip((vgg, half), paintings, strict=True)]
show(paintings, titles, height=240,
     alt="Two paintings of the rocket that can hardly be told apart, one computed in float32 and one in bfloat16.")

# %% [markdown]
# The same waves in nearly the same places, and nearly the same loss; in a longer trial, 120 evaluations at 256 pixels, both
# ended within one per cent of each other. The gain in time depends on the machine: `python tools/bench.py` tells.
#
# ## What a GPU changes
#
# **Nothing on this page was measured on a GPU.** What to expect there, and where to look:
#
# - *Speed.* A small picture does not fill a GPU: its milliseconds hardly grow with the size at first, and later with the
#   pixels. `tools/bench.py` prints them size by size.
# - *Precision.* Newer ones can multiply float32 as tf32, with 11 bits of digits
#   (`torch.backends.cuda.matmul.allow_tf32`), and bfloat16 faster still. Compare losses before you believe a time.
# - *Overhead.* L-BFGS is many small operations, each of which must be launched. CUDA graphs replay a whole evaluation;
#   `torch.compile` merges operations, and pays late: on two processor cores, 34 seconds of compiling took an evaluation
#   (VGG19's first blocks, 256 pixels) from about 100 to 75 milliseconds. That needs a thousand evaluations or more.
# - *Memory.* It is now the limit: compare `torch.cuda.max_memory_allocated()` with our table.
#
# ## 1,024 pixels
#
# **All of it together.** The picture at the top comes from `python tools/make_results.py 09_large`: pyramid, half
# precision, and either 30 evaluations at 1,024 pixels, or 80 at 128, 60 at 256, 36 at 512 and 16 at 1,024, for the same
# work (Exercise 1). The style is 160, 320, then 640 pixels wide, as its file is; the photo was enlarged from 640.
#
# At once, the sky stays nearly plain: short strokes gather around the rocket and its masts, and the rest is fine ripples.
# From coarse to fine, bands of pale waves pass over the rocket and bend into wide arcs beside the masts, over wide patches
# of blue and green. The lattice of the masts has paid: it is finer than the first strokes, and became a chain of loops.
#
# The same in small, live, with four evaluations at the end:

# %% tags=["painting"]
first = grow([(small, 24)], via=pyramid)
grown = grow([(small, 24), (192, 12), (384, 4)], via=pyramid)
enlarged = interpolate(first, grown.shape[2:], mode="bicubic").clamp(0, 1)
show([image[..., 20:200, 100:340] for image in (enlarged, grown)], ["128 px, enlarged", "painted on at 192 and 384 px"], height=300,
     alt="A piece of the sky and the rocket's top: blurred broad strokes at left, the same strokes with fine lines and sharp edges at right.")

# %% [markdown]
# The broad strokes are the same; at right they have edges, and fine lines between them.
#
# ## In this notebook we
#
# - counted what a layer sees, asked the network, and saw strokes keep their size in pixels;
# - painted from coarse to fine and through a pyramid: wide strokes, and a low loss early;
# - foretold memory to the last digit, and saved it with checkpoints, tiles without seams, and bfloat16.
#
# **On your own.** Begin the plan at 64 pixels: what becomes of the rocket? A halo of 8: how bright are the seams?
#
# **In practice.** `optimise(..., via=pyramid)` and `half_precision(vgg)` are one word each. Begin where the deepest layer
# sees most of the picture, double the size, and spend half of the work on the last.
#
# **Further reading.** Gatys and others, *Controlling Perceptual Factors in Neural Style Transfer* (CVPR 2017, arXiv
# 1611.07865): high resolution, and the controls of notebook 10. Burt and Adelson, *The Laplacian Pyramid as a Compact
# Image Code* (1983): a picture as levels. Chen and others, *Training Deep Nets with Sublinear Memory Cost* (2016, arXiv
# 1604.06174): where to place checkpoints.
#
# <!-- bottom -->
