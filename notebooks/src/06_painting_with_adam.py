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
# # Paint with Adam
#
# > **You will do** write the whole algorithm, from two pictures to a painting, in about forty lines.
# > **You will learn** what each line of the loop is for, where to start, how large a step to take, what Adam's knobs do.
# > **You need** gradients and a little PyTorch; the losses of notebooks 02 to 05 are repeated.
# > **Time** 50 minutes; about 40 seconds of computing on a laptop.
# > **Came before** the total loss; this notebook makes it small.
#
# ![Five pictures in a row: a photo of a cat at left turns, step by step, into a painting in blue and grey strokes with a little yellow.](../data/results/06_iterations.jpg)
#
# *One photo after 0, 10, 30, 100 and 300 steps. Look at the nose: when does its red go, and when do the strokes come?*

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# What decides how long you wait: pixels of the photo's long side, of the painting's, and steps of the loop:

# %% tags=["settings"]
import torch

size, style_size, steps = 256, 400, 300

# %% [markdown]
# ## Two pictures and a network
#
# **The content image gives the shapes, the style image everything else.** Both are tensors (1, 3, height, width) in [0, 1]:

# %%
from helpers.images import load
from helpers.show import show

photo, style = load("chelsea", size), load("starry_night", style_size)
show([photo, style], ["content", "style"], height=240,
     alt="Left, a photo of a tabby cat's face with green eyes; right, The Starry Night.")

# %% [markdown]
# The network is a VGG whose weights are frozen. Style is read from the first layer of each of its five blocks, content
# from one in the fourth, as in Gatys, Ecker and Bethge (2016):

# %%
from helpers.vgg import VGG

vgg = VGG()
photo, style = photo.to(vgg.device), style.to(vgg.device)
style_layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
content_layer = "relu4_2"

# %% [markdown]
# ## Two errors
#
# **Content compares features place by place.** $F$ are those of our image, $P$ the photo's; 0 is perfect, and 1 as wrong as
# features that are all zero:
#
# $$E_{\text{content}} = \frac{\lVert F - P \rVert^2}{\lVert P \rVert^2}$$


# %%
def content_error(F, P):  # departs from Gatys (2016), eq. 1: relative, where the paper has ½‖F − P‖²
    return (F - P).square().sum() / P.square().sum()


# %% [markdown]
# **Style compares which features occur together, and forgets where.** The Gram matrix multiplies every channel with every
# other, summed over all $hw$ places:
#
# $$G_{ij} = \frac{1}{hw} \sum_k F_{ik} F_{jk}$$


# %%
def gram_matrix(features):  # (1, C, h, w) -> (C, C); Gatys (2016), eq. 3, divided by h w
    F = features[0].flatten(1)
    return F @ F.T / F.shape[1]


# %% [markdown]
# Two channels, four places, never both in one:

# %%
# NBVAL_CHECK_OUTPUT
toy = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 2.0, 0.0, 2.0]]).view(1, 2, 2, 2)
print(gram_matrix(toy))

# %% [markdown]
# The diagonal is each channel's strength, (4 + 4) / 4 = 2; the zeros say that the two never meet. The style error of a
# layer compares two such matrices:


# %%
def style_error(features, A):  # departs from Gatys (2016), eq. 4: relative, where the paper has ‖G − A‖² / (4 C² (hw)²)
    return (gram_matrix(features) - A).square().sum() / A.square().sum()


# %% [markdown]
# **What we aim at is computed once**, and without gradients:


# %%
@torch.no_grad()
def targets(photo, style):
    A = {name: gram_matrix(features) for name, features in vgg(style, style_layers).items()}
    return A, vgg(photo, [content_layer])[content_layer]


A, P = targets(photo, style)

# %% [markdown]
# **The total loss adds the two, and one number says how much content is worth.** The papers call it α/β:

# %%
content_weight = 0.02


def errors(image):
    features = vgg(image, style_layers + [content_layer])
    per_layer = [style_error(features[name], A[name]) for name in style_layers]
    return sum(per_layer) / len(per_layer), content_error(features[content_layer], P)


# %% [markdown]
# **Before you run it:** which of the two errors of the untouched photo is exactly zero?

# %%
# NBVAL_CHECK_OUTPUT
with torch.no_grad():
    before = errors(photo)
print(f"the photo: style error {before[0]:.3f}, content error {before[1]:.3f}")

# %% [markdown]
# The content error: the photo is its own content.
#
# ## The loop
#
# **The picture is the parameter.** In training, an optimiser changes weights. Here we hand it the pixels, a copy of the
# photo. Adam (Kingma and Ba, 2015) divides each pixel's gradient by its usual size, so that a pixel moves by about `lr` a
# step, however steep its slope: 0.02 is five of the 255 grey levels of a screen. We keep the losses, and every tenth
# picture:

# %%
image = photo.clone().requires_grad_()
optimiser = torch.optim.Adam([image], lr=0.02)
history, snapshots = [], {0: photo.clone()}
keep = {33, *range(10, steps, 10), steps}

# %% [markdown]
# Now the loop itself. Six lines do the work; each is read below:

# %% tags=["nbval-ignore-output"]
from helpers.show import Progress

progress = Progress(steps)
for step in range(1, steps + 1):
    optimiser.zero_grad()
    style_part, content_part = errors(image)
    loss = style_part + content_weight * content_part
    loss.backward()
    optimiser.step()
    with torch.no_grad():
        image.clamp_(0, 1)

    history.append((style_part.item(), content_part.item()))
    progress(step, image.detach(), loss.item())
    if step in keep:
        snapshots[step] = image.detach().clone()

# %% [markdown]
# - `zero_grad` throws the last gradient away, or they would pile up.
# - `errors(image)` sends the image through the network.
# - `loss.backward()` walks back through the network and asks, for each pixel, *how would the loss change if you grew?*
# - `optimiser.step()` moves every pixel a little against its answer.
# - `clamp_` brings pixels back to what a screen can show. It stands between two steps, and not inside the loss, so that
#   the gradient is that of the picture that we have.
#
# **Exercise 1** · ●●○ · 15 min. Adam keeps two running means for each pixel: $m$ of the gradient, $v$ of its square.
# Write one step, with the corrections for the beginning: $\hat m = m / (1 - \beta_1^t)$, $\hat v = v / (1 - \beta_2^t)$,
# and the new pixel $x - \text{lr} \cdot \hat m / (\sqrt{\hat v} + \epsilon)$. The specification is PyTorch's first step from
# $m = v = 0$:


# %% tags=["spec"]
def adam_spec(x, gradient):
    pixel = x.clone().requires_grad_()
    pixel.grad = gradient
    torch.optim.Adam([pixel], lr=0.02).step()
    return pixel.detach()


# %% tags=["exercise"]
def my_adam(x, gradient, lr=0.02, beta1=0.9, beta2=0.999, eps=1e-8, t=1):
    """One step of Adam from m = v = 0: pixels x and their gradient, same shape -> new pixels."""
    # solution
    m, v = (1 - beta1) * gradient, (1 - beta2) * gradient**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return x - lr * m_hat / (v_hat.sqrt() + eps)


# %% tags=["check"]
from helpers.check import check

check(my_adam, adam_spec, (3, 5), (3, 5));

# %% [markdown]
# <details><summary>Hint</summary>
#
# The first running mean is $m = (1 - \beta_1)\,g$. For $t = 1$ almost everything cancels, and what is left moves *every*
# pixel by the learning rate.
#
# </details>
#
# <!-- solution: my_adam -->
#
# ## The gallery
#
# **Grain first, then colour, then strokes.** The same run, six times:

# %%
moments = [step for step in (0, 10, 33, 100, 200, steps) if step in snapshots]
show([snapshots[step] for step in moments], [f"{step} steps" for step in moments], columns=3,
     alt="The cat after 0, 10, 33, 100, 200 and 300 steps: first grain, then blue, then strokes that follow its fur.")

# %% [markdown]
# After 10 steps fine grain covers the fur. After 33 the blue is there. After 100 the cat is
# painted: strokes run along its cheeks, and the nose has lost its red. The two errors, step by step:

# %%
from helpers.show import plot

curves = {"style error": [s for s, _ in history], "content error": [c for _, c in history]}
plot(curves, xlabel="step", ylabel="error",
     alt="The style error falls steeply for 50 steps and then ever more slowly; the content error leaps up within a few "
     "steps and then comes back part of the way.")

# %% [markdown]
# Style falls fast and then ever more slowly. Content starts at zero (which a logarithmic axis cannot show), leaps up, and
# comes back only part of the way: the price of the strokes.
#
# **A result is what is saved**, so we measure the picture after rounding to 256 levels:

# %%
# NBVAL_CHECK_OUTPUT
from helpers.images import as_saved

with torch.no_grad():
    after = errors(as_saved(image))
print(f"style error of the saved picture under 0.01: {after[0].item() < 0.01}")
print(f"less than a fiftieth of the photo's: {after[0].item() < before[0].item() / 50}")

# %% [markdown]
# Under one per cent: as far as these statistics go, the picture *is* a Van Gogh. With a kernel, the slider shows how it
# came:

# %% tags=["painting"]
from ipywidgets import SelectionSlider

from helpers.show import browse


def at(step):
    return show(snapshots[step], f"after {step} steps", height=300,
                alt=f"The cat after {step} steps on its way from a photo to strokes of blue and grey with flecks of yellow.")


browse(at, step=SelectionSlider(options=sorted(snapshots), value=steps, description="step"))

# %% [markdown]
# The same as a film of four seconds. An `.mp4` is smaller, and needs the packages `imageio` and `imageio-ffmpeg`:

# %%
from helpers.show import film

path = film([snapshots[step] for step in sorted(snapshots)], "outputs/cat.webp", seconds=4)
print(f"{path}: {len(snapshots)} pictures")

# %% [markdown]
# ## A thirtieth of nine thousand steps
#
# **Does patience pay?** Another gallery shows its painting after 1,000, 3,000, 6,000 and 9,000 steps of Adam from the photo;
# our 33, 100, 200 and 300 are a thirtieth of each. The same run in full, made beforehand with
# `python tools/make_results.py 06_nine_thousand`:
#
# ![The cat after 1,000 to 9,000 steps: its eyes turn from green towards blue, the wall at the right from blue to grey.](../data/results/06_nine_thousand.jpg)
#
# By the number it hardly does: the loss was 0.011 after our 300 steps and 0.010 after 1,000; then it is now higher, now
# about as low, for a constant rate shakes. By eye the picture never rests: the eyes lose their green, the grey
# cheek turns blue, yellow comes at the lower edge, and the even wall at the upper right, blue after 100 steps, turns a dark
# blue-grey. The last section asks whether that is Adam's doing.
#
# ## Where to start
#
# **The start decides where the loop ends.** The loss has many low places, and descent finds one near its beginning. For
# short runs, the loop as a function that takes the rate of each step:


# %%
def paint_with_adam(start, rates, content_weight=0.02, **settings):
    image = start.clone().requires_grad_()
    optimiser, losses = torch.optim.Adam([image], **settings), []
    for rate in rates:
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        style_part, content_part = errors(image)
        loss = style_part + content_weight * content_part
        loss.backward()
        optimiser.step()
        image.data.clamp_(0, 1)
        losses.append(loss.item())
    return image.detach(), losses


# %% [markdown]
# Three starts at 128 pixels, with targets of that size: the photo, uniform noise, and a piece of *The Starry Night*. As
# content must now be found, it weighs five times as much.
#
# **Before you run it:** which of the three will end with the lowest loss?

# %%
from helpers.images import noise

small_photo, small_style = load("chelsea", 128).to(vgg.device), load("starry_night", 200).to(vgg.device)
A, P = targets(small_photo, small_style)
height, width = small_photo.shape[2:]
starts = {"photo": small_photo, "noise": noise(small_photo, seed=0), "style": small_style[..., :height, -width:]}
runs = {name: paint_with_adam(start, [0.05] * 120, content_weight=0.1) for name, start in starts.items()}
for name, (_, losses) in runs.items():
    print(f"from the {name}: {losses[-1]:.3f}")

# %% [markdown]
# By number the three are nearly equal. By eye:

# %%
show([image for image, _ in runs.values()], [f"from the {name}" for name in runs], height=170,
     alt="Three small paintings of the cat: clear from the photo; fainter, with eyes found in the grain, from noise; "
     "from the style, with the moon's glow left in a corner.")

# %% [markdown]
# From the photo the face is clear: it only had to be kept. From noise it was found through `relu4_2`, which knows shapes
# and not sharp edges: the eyes have come out of the grain, and much grain has stayed. From the style the cat appears too,
# and the glow of Van Gogh's moon stays in its corner: nothing in the style error minds where it is. The paper starts from
# noise, nearly everybody else from the photo.
#
# **"Noise" means three things in three systems.** Gatys's notebook draws normal numbers of $\sigma = 1$ where pixels run to
# 255; a line in the PyTorch tutorial, commented out, $\sigma = 1$ where they run to 1; gordicaleksa's program $\sigma = 90$ of
# 255. On a screen:

# %%
# NBVAL_CHECK_OUTPUT
drawn = torch.randn(small_photo.shape, generator=torch.Generator().manual_seed(0)).to(vgg.device)
noises = {"Gatys": vgg.mean + drawn / 255, "PyTorch": drawn, "gordicaleksa": vgg.mean + drawn * 90 / 255}
noises = {name: start.clamp(0, 1) for name, start in noises.items()}
for name, start in noises.items():
    print(f"{name}: mean {start.mean():.2f}, spread {start.std((2, 3)).mean():.3f}, black {(start == 0).float().mean():.2f}")

# %% [markdown]
# The first is a grey sheet with a spread of one level. In the second, half of all values are cut to 0 (and a sixth to
# 1), in the third a tenth. Forty steps from each:

# %%
begun = [paint_with_adam(start, [0.05] * 40, content_weight=0.1) for start in noises.values()]
titles = list(noises) + [f"loss {losses[0]:.2f} to {losses[-1]:.3f}" for _, losses in begun]
show([*noises.values(), *[image for image, _ in begun]], titles, columns=3, height=128,
     alt="Above, a grey sheet and two kinds of coloured noise; below, what forty steps made of them.")

# %% [markdown]
# The grey sheet has both eyes by now, PyTorch's noise only a hint of them: grain must be scrubbed away first. "From noise"
# says little until one knows which.
#
# ## How large a step?
#
# **The learning rate is a distance in grey levels.** A tenth of ours, ours, and ten times ours, each for 50 steps from
# the photo. **Before you run it:** which ends with the lowest loss, and which with the best picture?

# %%
rates = {rate: paint_with_adam(small_photo, [rate] * 50) for rate in (0.002, 0.02, 0.2)}
show([image for image, _ in rates.values()], [f"lr {rate}, loss {losses[-1]:.3f}" for rate, (_, losses) in rates.items()],
     height=190, alt="Three small pictures: at 0.002 nearly the photo, at 0.02 a painted cat, at 0.2 coloured strokes and two eyes.")

# %% [markdown]
# With 0.002, fifty steps do not get far. By number the largest rate wins, and by eye it has kept little of the cat but its
# eyes: its first step threw every pixel across a fifth of the range. Small steps keep the loop near its start.
#
# **A rate that falls takes large steps first and settles at the end.** From noise, with 0.2: constant, falling by an equal
# factor each step to a tenth, and along half a cosine to zero:

# %%
t = torch.arange(250) / 250
falls = {"constant": 0.2 + 0 * t, "exponential": 0.2 * 0.1**t, "cosine": 0.1 * (1 + torch.cos(torch.pi * t))}
decays = {name: paint_with_adam(starts["noise"], fall.tolist(), content_weight=0.1) for name, fall in falls.items()}
plot({f"{name}, ends at {losses[-1]:.3f}": losses for name, (_, losses) in decays.items()}, xlabel="step", ylabel="loss",
     alt="Three loss curves that fall together; later the constant one leaps up, the other two stay smooth.")

# %% [markdown]
# At first the three fall together. Later the constant rate is thrown back up, while the others settle. From the photo, at
# smaller rates, falling gained us nothing: the large first gradients stay in $v$ for a thousand steps, and slow Adam down.
#
# **Exercise 2** · ●○○ · 10 min. Write the exponential rates:


# %% tags=["spec"]
def rates_spec(first, last, steps):
    factor = (last / first) ** (1 / (steps - 1))
    rates = [first]
    while len(rates) < steps:
        rates.append(rates[-1] * factor)
    return torch.tensor(rates)


# %% tags=["exercise"]
def my_rates(first, last, steps):
    """Learning rates for steps 1 .. steps, from first to last by equal factors: a tensor (steps,), without a loop."""
    # solution
    exponents = torch.arange(steps) / (steps - 1)
    return first * (last / first) ** exponents


# %% tags=["check"]
from helpers.check import check

check(my_rates, rates_spec, 0.05, 0.005, 20, trials=1);

# %% [markdown]
# <details><summary>Hint</summary>
#
# The rate at step $i$, from 0, is `first` times the factor to the power $i$. `torch.arange` gives all $i$.
#
# </details>
#
# <!-- solution: my_rates -->
#
# ## Against haze
#
# **Adam takes large steps even where the gradient is only noise.** TensorFlow's tutorial sets $\beta_1 = 0.99$ and
# $\epsilon = 0.1$, unexplained. They come from the wiki of jcjohnson's *neural-style*, whose users saw grey haze over even
# areas. Here are ten thousand pixels whose gradient is noise, a millionth in size. **Before you run it:** how far do they wander in 100 steps with Adam's defaults?


# %%
# NBVAL_CHECK_OUTPUT
def wander(beta1, eps):
    pixels, generator = torch.zeros(10_000, requires_grad=True), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam([pixels], lr=0.02, betas=(beta1, 0.999), eps=eps)
    for _ in range(100):
        pixels.grad = 1e-6 * torch.randn(10_000, generator=generator)
        optimiser.step()
    return 255 * pixels.detach().square().mean().sqrt()


for beta1, eps in [(0.9, 1e-8), (0.99, 1e-8), (0.9, 1e-5)]:
    print(f"beta1 {beta1}, eps {eps:.0e}: {wander(beta1, eps):.1f} grey levels")

# %% [markdown]
# Over 50 grey levels: $m / \sqrt v$ has forgotten how small the gradient was, and keeps its sign. $\beta_1 = 0.99$ averages
# over more steps: the walk becomes smoother, not shorter. What holds such pixels is an $\epsilon$ well above their
# $\sqrt v$, here ten times. In our long run:

# %%
root_v = (optimiser.state[image]["exp_avg_sq"] / (1 - 0.999**steps)).sqrt().flatten()
for share in (0.1, 0.5, 0.9):
    print(f"{share:.0%} of the pixels have a root of v below {root_v.quantile(share):.0e}")

# %% [markdown]
# Adam's 1e-8 is a thousandth of most, and 0.1 thousands of times larger. Is there haze to cure? A rocket before an even
# sky, measured in the flattest third of the photo:

# %%
from torch.nn.functional import avg_pool2d


def grain(image):  # what a blur over 3 x 3 pixels takes away, in grey levels
    return 255 * (image - avg_pool2d(image, 3, 1, 1, count_include_pad=False))


sky = load("rocket", 128).to(vgg.device)
A, P = targets(sky, small_style)
rough = avg_pool2d(grain(sky).abs().mean(1), 7, 1, 3)[0]
flat = rough < rough.quantile(0.33)

# %% [markdown]
# Adam's defaults, TensorFlow's pair, and two runs with an $\epsilon$ of the size of $\sqrt v$ (larger here: at half the size,
# each pixel gets four times the gradient):

# %%
adams = {"defaults": {}, ".99 and 0.1": {"betas": (0.99, 0.999), "eps": 0.1}, "eps 1e-4": {"eps": 1e-4},
         ".99 and 1e-4": {"betas": (0.99, 0.999), "eps": 1e-4}}
skies = {name: paint_with_adam(sky, [0.02] * 80, **settings) for name, settings in adams.items()}
for name, (painted, losses) in skies.items():
    area = painted[..., flat]
    print(f"{name:12}: loss {losses[-1]:.3f}; flat area: mean {area.mean():.2f}, spread {area.std(2).mean():.2f}, "
          f"grain {grain(painted)[..., flat].square().mean().sqrt():.1f}")

# %% [markdown]
# With 0.1 the loss stays ten times as high or more. The others have nearly one mean: no grey has come in. An $\epsilon$
# of 1e-4 takes some grain away, at a higher loss. To the eye:

# %%
show([image for image, _ in skies.values()], list(skies), height=150,
     alt="Four small pictures of a rocket under a night sky: three painted in blue strokes, the second still a photo with "
     "faint ripples in its sky.")

# %% [markdown]
# No haze in 80 steps; 0.1 leaves a photo with faint ripples; $\beta_1 = 0.99$ makes it rougher again, because its long
# mean carries the wild first gradients far. In 1,500 steps at 128 pixels, the cat's wall lost about half of its colour
# after step 100 with the defaults, and no less with both changes: the loss itself seems to want it greyer.
#
# **An $\epsilon$ has the unit of the gradient.** Multiply the loss by $c$, and $m$ and $\sqrt v$ grow by $c$: the same steps
# need $c\,\epsilon$. TensorFlow's style loss, computed for our pair with the first blocks of the real VGG19, is ten million times
# ours at `relu2_1` and `relu3_1`. Its 0.1 is then our 1e-8: Adam's default, which does nothing. In *neural-style*, where a
# million pixels share the gradient, we estimate $\sqrt v$ near 0.1. So carry over the rule, not the number: $\epsilon$ about
# as large as $\sqrt v$, here 1e-5 to 1e-4.
#
# **Exercise 3** · ●○○ · 5 min. Somebody's loss is 1,000 times ours, and their $\epsilon$ is 100. Make their step from our
# gradient:


# %% tags=["spec"]
def unit_spec(x, gradient):
    pixel = x.clone().requires_grad_()
    pixel.grad = 1000 * gradient
    torch.optim.Adam([pixel], lr=0.02, eps=100).step()
    return pixel.detach()


# %% tags=["exercise"]
def my_unit(x, gradient):
    """Pixels x and our gradient, same shape -> the pixels after one step, without scaling the gradient."""
    # solution
    pixel = x.clone().requires_grad_()
    pixel.grad = gradient
    torch.optim.Adam([pixel], lr=0.02, eps=100 / 1000).step()
    return pixel.detach()


# %% tags=["check"]
from helpers.check import check

check(my_unit, unit_spec, (3, 5), (3, 5));

# %% [markdown]
# <details><summary>Hint</summary>
#
# $1000\,g / (1000\,|g| + \epsilon)$: divide above and below by 1,000.
#
# </details>
#
# <!-- solution: my_unit -->
#
# ## In this notebook we
#
# - wrote the whole method in the open: targets once, then loss, gradient, step, clamp;
# - saw grain, colour and strokes arrive in this order, and that the start decides the result;
# - found that a learning rate is a distance in grey levels, that a falling one settles, and that $\epsilon$ has a unit.
#
# **On your own.** Load the style at 200 and at 640 pixels: what happens to the strokes? Paint 1,500 steps at 128 pixels
# with both $\epsilon$, and look at the wall.
#
# **In practice.** The errors live in `helpers.transfer`, with checks of their arguments. L-BFGS usually gets to the same
# loss in fewer evaluations; the clamp would disturb it.
#
# **Further reading.** Gatys, Ecker and Bethge (CVPR 2016), section 2: the equations above, as sums. Kingma and Ba, *Adam*
# (2015, arXiv 1412.6980), section 2: the two running means on one page. The wiki of jcjohnson/neural-style, pages
# *Artifacts* and *Fine-Tuning the Adam Optimizer*: the haze in pictures.
#
# <!-- bottom -->
