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
# > **Time** 60 minutes to read and for the exercises; about a minute and a half of computing on a laptop.
# > **Came before** the total loss; this notebook makes it small.

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Below is where we are going: a painting of 1,024 pixels, made beforehand from the two pictures that you will use
# (`python -m tools.pictures.results 06_painting` paints it again, with the tricks of notebook 09). The loop of this notebook is the
# heart of it.

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

show(load(DATA / "results" / "06_painting.jpg", 960),
     alt="The face of a cat in golden and green strokes, with swirling white and blue behind it.")

# %% [markdown]
# Three numbers decide how long you wait: the pixels of the photo's long side, those of the style's, and the steps:

# %% tags=["settings"]
import torch

size = 256
style_size = 320
steps = 200

# %% [markdown]
# ## Two pictures and a network
#
# **The content image gives the shapes, the style image everything else.** Both are tensors (1, 3, height, width) in [0, 1]:

# %%
photo = load("chelsea", size)
style = load("vangogh_wheat_field_cypresses", style_size)
show([photo, style], ["content", "style"], height=260,
     alt="Left, a photo of a tabby cat's face with green eyes; right, Van Gogh's wheat field with "
     "cypresses under curling white clouds.")

# %% [markdown]
# The network is VGG19, and its weights stay as they are. Style is read from the first layer of each of its five blocks,
# content from one in the fourth, as in [Gatys, Ecker and Bethge (2016)](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf).
# From here on we paint, and so we let the network compute in half precision where your machine has units for that: it is
# about twice as fast or better, and by eye the paintings are as good.

# %%
from helpers.fast import fast
from helpers.vgg import VGG

vgg = fast(VGG())
photo = photo.to(vgg.device)
style = style.to(vgg.device)
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
    return (F - P).float().square().sum() / P.float().square().sum()


# %% [markdown]
# **Style compares which features occur together, and forgets where.** The Gram matrix multiplies every channel with every
# other, summed over all $hw$ places:
#
# $$G_{ij} = \frac{1}{hw} \sum_k F_{ik} F_{jk}$$


# %%
def gram_matrix(features):  # (1, C, h, w) -> (C, C); Gatys (2016), eq. 3, divided by h w
    F = features[0].flatten(1).float()
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
content_weight = 0.03


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
history = []
snapshots = {0: photo.clone()}
keep = {*range(10, steps, 10), steps}

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
# - `zero_grad` clears the old gradient, because PyTorch adds new gradients to whatever is there.
# - `errors(image)` sends the image through the network.
# - `loss.backward()` walks back through the network and asks for each pixel: how much would the loss change if this pixel
#   became a little brighter?
# - `optimiser.step()` moves every pixel a little against that slope.
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
# Here is the same run at six moments. Look for the step at which the fur stops being fur.

# %%
moments = [step for step in (0, 10, 30, 60, 100, steps) if step in snapshots]
show([snapshots[step] for step in moments], [f"{step} steps" for step in moments],
     columns=3, alt="The cat at six moments: a photo, then grain, then gold, green and white in short strokes.")

# %% [markdown]
# After 10 steps coloured grain covers the photo. After 30 the fur is yellow and green. After 60 there are strokes, and from
# then on they only find a better order: white curls like clouds on the right, short golden strokes like wheat on the
# nose. The two errors, step by step:

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
from helpers.images import as_saved

with torch.no_grad():
    after = errors(as_saved(image))
print(f"style error of the photo {before[0].item():.3f}, of the saved picture {after[0].item():.3f}")
print(f"content error of the saved picture {after[1].item():.2f}")

# %% [markdown]
# The saved picture has about a fortieth of the photo's style error. Its content error looks terrible beside that, and yet
# you see the cat at once. The content error counts every change of texture, and texture is just what we wanted to change.
# In a live notebook you can move the slider, and see how the picture came about:

# %% tags=["painting"]
from ipywidgets import SelectionSlider

from helpers.show import browse


def at(step):
    return show(snapshots[step], f"after {step} steps", height=300,
                alt=f"The cat after {step} steps on its way from a photo to golden and green strokes.")


browse(at, step=SelectionSlider(options=sorted(snapshots), value=steps, description="step"))

# %% [markdown]
# The same as a film of four seconds. An `.mp4` is smaller, and needs the packages `imageio` and `imageio-ffmpeg`:

# %%
from helpers.show import film

path = film([snapshots[step] for step in sorted(snapshots)], "outputs/cat.webp", seconds=4)
print(f"{path}: {len(snapshots)} pictures")

# %% [markdown]
# ## Where to start
#
# **The start decides where the loop ends.** The loss has many low places, and descent finds one near its beginning. For
# short runs, the loop as a function that takes the rate of each step:


# %%
def paint_with_adam(start, rates, content_weight=0.03, **settings):
    image = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([image], **settings)
    losses = []
    for rate in rates:
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        style_part, content_part = errors(image)
        loss = style_part + content_weight * content_part
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            image.clamp_(0, 1)
        losses.append(loss.item())
    return image.detach(), losses


# %% [markdown]
# Let us try three of them at 160 pixels, with targets of that size: the photo, uniform noise, and a piece of the wheat
# field. As content must now be found and not only kept, it weighs three times as much.

# %%
from helpers.images import noise

small_photo = load("chelsea", 160).to(vgg.device)
small_style = load("vangogh_wheat_field_cypresses", 240).to(vgg.device)
A, P = targets(small_photo, small_style)
height, width = small_photo.shape[2:]
starts = {
    "photo": small_photo,
    "noise": noise(small_photo, seed=0),
    "style": small_style[..., :height, -width:],
}
runs = {}
for name, start in starts.items():
    runs[name] = paint_with_adam(start, [0.05] * 80, content_weight=0.1)
for name, (_, losses) in runs.items():
    print(f"from the {name}: {losses[-1]:.3f}")

# %% [markdown]
# By number the three are nearly equal. By eye:

# %%
show([image for image, _ in runs.values()], [f"from the {name}" for name in runs], height=210,
     alt="Three small paintings of the cat: from the photo, from noise, and from a piece of the wheat field.")

# %% [markdown]
# From the photo the face is clear, because it only had to be kept. From noise an eye has come out of the grain, and much
# grain has stayed. From the style an eye looks out of the clouds, and Van Gogh's cypress still stands at the right-hand
# side: nothing in the style error minds where it is. The paper starts from noise; the authors' own notebook and
# PyTorch's tutorial start from the photo.
#
# **"Noise" means three things in three systems.** In the notebook of Gatys a line, commented out, draws normal numbers of
# $\sigma = 1$ where pixels run to 255. A line of PyTorch's tutorial, commented out too, has $\sigma = 1$ where they run
# to 1. And gordicaleksa's program takes $\sigma = 90$ of 255. On a screen they look like this:

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
show([*noises.values(), *[image for image, _ in begun]], titles, columns=3, height=200,
     alt="Above, a grey sheet and two kinds of coloured noise; below, what forty steps made of them.")

# %% [markdown]
# After forty steps the grey sheet has two eyes and the yellow of the nose. PyTorch's noise is still mostly grain, because
# grain must be scrubbed away first, and gordicaleksa's lies between the two. "From noise" says little until one knows which.
#
# ## How large a step?
#
# **The learning rate is a distance in grey levels.** A tenth of ours, ours, and ten times ours, each for 50 steps from
# the photo. Which will end with the lowest loss, and which with the best picture?

# %%
rates = {rate: paint_with_adam(small_photo, [rate] * 50) for rate in (0.002, 0.02, 0.2)}
show([image for image, _ in rates.values()], [f"lr {rate}, loss {losses[-1]:.3f}" for rate, (_, losses) in rates.items()],
     height=210, alt="Three small pictures: at 0.002 nearly the photo, at 0.02 a painted cat, at 0.2 bright strokes.")

# %% [markdown]
# With 0.002, fifty steps do not get far, and you still see the photo. By number the largest rate wins. By eye it has lost the
# cat: its first steps threw every pixel across a fifth of the range, and from there the loop found another low place. Small
# steps keep the loop near its start.
#
# **A rate that falls takes large steps first and settles at the end.** From noise, with 0.2: constant, falling by an equal
# factor each step to a tenth, and along half a cosine to zero:

# %%
t = torch.arange(100) / 100
falls = {"constant": 0.2 + 0 * t, "exponential": 0.2 * 0.1**t, "cosine": 0.1 * (1 + torch.cos(torch.pi * t))}
decays = {name: paint_with_adam(starts["noise"], fall.tolist(), content_weight=0.1) for name, fall in falls.items()}
plot({f"{name}, ends at {losses[-1]:.3f}": losses for name, (_, losses) in decays.items()}, xlabel="step", ylabel="loss",
     alt="Three loss curves that fall together; later the constant one leaps up, the other two stay smooth.")

# %% [markdown]
# At first the three fall together. After about fifty steps the constant rate is thrown back again and again, and it ends at
# about three times the loss of the other two, which settle.
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
# ## An epsilon has a unit
#
# Adam divides by $\sqrt{\hat v} + \epsilon$, and $\sqrt{\hat v}$ is as large as the gradient. So multiply the loss by
# $c$, and the gradient grows by $c$; for the same steps, $\epsilon$ has to grow by $c$ as well. How large is
# $\sqrt v$ in our long run?

# %%
root_v = (optimiser.state[image]["exp_avg_sq"] / (1 - 0.999**steps)).sqrt().flatten()
for share in (0.1, 0.5, 0.9):
    print(f"{share:.0%} of the pixels have a root of v below {root_v.quantile(share):.0e}")

# %% [markdown]
# PyTorch's $\epsilon$ of 1e-8 is far below nearly all of these, so it does nothing. TensorFlow's tutorial sets 0.1. On our
# loss that would be thousands of times as large as $\sqrt v$, and Adam would stand almost still. But TensorFlow's loss is
# another one: it adds up squares that we divide. Here is its gradient at our photo, beside ours:

# %%
from helpers.recipes import Objective, recipe

published = Objective(recipe("tensorflow"), vgg, photo, style)
A, P = targets(photo, style)
for name, objective in {"ours": lambda x: sum(errors(x)), "TensorFlow's": published}.items():
    trial = photo.clone().requires_grad_()
    objective(trial).backward()
    print(f"{name}: median size of a pixel's gradient {trial.grad.abs().median():.0e}")

# %% [markdown]
# Beside a gradient of that size, 0.1 is next to nothing. A published $\epsilon$ means nothing without its loss.
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
# **On your own.** Load the style at 200 and at 640 pixels: what happens to the strokes?
#
# **In practice.** The errors live in `helpers.losses`, with checks of their arguments. L-BFGS usually gets to the same
# loss in fewer evaluations; the clamp would disturb it.
#
# **Further reading.** Gatys, Ecker and Bethge (CVPR 2016), section 2: the equations above, as sums. Kingma and Ba,
# [Adam](https://arxiv.org/abs/1412.6980) (2015), section 2: the two running means on one page.
#
# <!-- bottom -->
