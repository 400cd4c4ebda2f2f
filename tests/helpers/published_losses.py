"""An independent transcription of the losses of published codes, one function for each code.

Nothing here comes from `helpers`: formulas, weights and input scalings were read in the published
sources, so that a test can compare the recipes of this series with these values.

`LOSSES[key](state, content, style, image)` returns the total loss that the published code minimises
at `image`, as a float. `state` has torchvision's VGG19 names ("features.0.weight", ...). The images
are (1, 3, H, W), RGB in [0, 1], and keep their own sizes. The function below the float, which
returns a tensor that can be differentiated, is `LOSSES[key].__wrapped__`.

`INPUTS[key]` says what the code feeds its network: "normalised" (torchvision's way), "rgb255" (0 to
255 minus the mean), "bgr255" (the same with the channels reversed, as Caffe did) or "bgr256".

`OPTIMISERS[key]` holds the published optimiser settings as plain facts, in the units of the
published variable.
"""

from functools import wraps

import torch
from torch.nn import functional

BLOCKS = (2, 2, 4, 4, 4)  # convolutions in each block of VGG19
STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CAFFE_MEAN = (103.939, 116.779, 123.68)  # B, G, R
LOSSES = {}
INPUTS = {}


def published(key, feeds):
    """Enter a function that returns a tensor as the loss `key`, which returns a float."""

    def enter(function):
        @wraps(function)
        def value(state, content, style, image):
            with torch.no_grad():
                return float(function(state, content, style, image))

        LOSSES[key] = value
        INPUTS[key] = feeds
        return value

    return enter


# ------------------------------------------------------------------------------ shared arithmetic


def walk(state, x, wanted, first_padding="constant", pool=functional.max_pool2d):
    """The activations named in `wanted`, in that order.

    convX_Y is before the ReLU, reluX_Y after it.
    """
    kept = {}
    index = 0
    for block, convolutions in enumerate(BLOCKS, start=1):
        for number in range(1, convolutions + 1):
            mode = first_padding if index == 0 else "constant"
            x = functional.pad(x, (1, 1, 1, 1), mode=mode)
            weight = state[f"features.{index}.weight"]
            x = functional.conv2d(x, weight, state[f"features.{index}.bias"])
            kept[f"conv{block}_{number}"] = x
            x = functional.relu(x)
            kept[f"relu{block}_{number}"] = x
            if all(name in kept for name in wanted):
                return [kept[name] for name in wanted]
            index += 2  # the convolution and its ReLU
        x = pool(x, kernel_size=2, stride=2)
        index += 1
    raise KeyError(f"no such layers: {set(wanted) - set(kept)}")


def per_channel(values, like):
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, 3, 1, 1)


def caffe(image, scale=255.0):
    """RGB in [0, 1] to BGR on Caffe's scale, mean subtracted."""
    return image[:, [2, 1, 0]] * scale - per_channel(CAFFE_MEAN, image)


def normalised(image):
    """torchvision's normalisation of RGB in [0, 1]."""
    mean = per_channel((0.485, 0.456, 0.406), image)
    return (image - mean) / per_channel((0.229, 0.224, 0.225), image)


def products(features):
    """F Fᵀ without any division."""
    matrix = features.flatten(2)[0]
    return matrix @ matrix.T


def gram_by_places(features):
    return products(features) / (features.shape[2] * features.shape[3])


def gram_by_elements(features):
    return products(features) / (features.shape[1] * features.shape[2] * features.shape[3])


def mean_square(actual, target):
    return ((actual - target) ** 2).mean()


def sum_square(actual, target):
    return ((actual - target) ** 2).sum()


def steps(x):
    """Differences of vertical and of horizontal neighbours."""
    return x[:, :, 1:, :] - x[:, :, :-1, :], x[:, :, :, 1:] - x[:, :, :, :-1]


def absolute_variation(x):
    down, right = steps(x)
    return down.abs().sum() + right.abs().sum()


def inner_steps(x):
    """Both differences where a pixel has both neighbours: not in the last row or column."""
    here = x[:, :, :-1, :-1]
    return x[:, :, 1:, :-1] - here, x[:, :, :-1, 1:] - here


def terms(state, images, content_layer, style_layers, gram, **walking):
    """Content features, and Gram matrices of each style layer, as pairs (generated, target)."""
    content, style, image = images
    target = walk(state, content, (content_layer,), **walking)[0]
    style_targets = [gram(features) for features in walk(state, style, style_layers, **walking)]
    here, *maps = walk(state, image, (content_layer, *style_layers), **walking)
    style_values = [gram(features) for features in maps]
    return (here, target), list(zip(style_values, style_targets, strict=True))


def weighted(weights, pairs, error):
    """The sum of weight · error(generated, target)."""
    return sum(weight * error(*pair) for weight, pair in zip(weights, pairs, strict=True))


# ---------------------------------------------------------------------------- the published codes


@published("gatys_2016", feeds="bgr255")
def gatys_2016(state, content, style, image):
    """Gatys, Ecker and Bethge, Image Style Transfer Using Convolutional Neural Networks, CVPR 2016.

    Equation 1, ½ Σ (F - P)² at conv4_2; equation 4, Σ (G - A)² / (4 N² M²), with G = F Fᵀ; equation
    5 with w = 1/5; equation 7 with β = 1 and α = 1e-3. Layers are taken after their ReLU, as in
    Gatys' own code. Average pooling, on the network whose mean activations are 1 (section 2).
    """
    images = [caffe(x) for x in (content, style, image)]
    average = {"pool": functional.avg_pool2d}
    pair, pairs = terms(state, images, "relu4_2", STYLE, products, **average)
    sizes = [features[0].numel() for features in walk(state, images[2], STYLE)]  # N M
    weights = [1 / 5 / (4 * size**2) for size in sizes]
    return 1e-3 * sum_square(*pair) / 2 + weighted(weights, pairs, sum_square)


@published("gatys_normalised", feeds="bgr255")
def gatys_normalised(state, content, style, image):
    """leongatys/NeuralImageSynthesis, the preset for the network of mean activation 1.

    Content 1e6 · MSE at relu4_2, style 1e9 / 5 for each layer, Gram over the places, mean squares.
    """
    images = [caffe(x) for x in (content, style, image)]
    average = {"pool": functional.avg_pool2d}
    pair, pairs = terms(state, images, "relu4_2", STYLE, gram_by_places, **average)
    return 1e6 * mean_square(*pair) + 1e9 / 5 * sum(mean_square(*p) for p in pairs)


@published("gatys", feeds="bgr255")
def gatys(state, content, style, image):
    """leongatys/PytorchNeuralStyleTransfer, NeuralStyleTransfer.ipynb, the first (512 pixel) run.

    Gram over H·W, mean squared error, weights 1e3/n² with n = 64, 128, 256, 512, 512 and 1 for
    relu4_2; no TV. Order of the scaling as published: BGR, minus the mean in [0, 1], times 255.
    """
    mean = per_channel((0.40760392, 0.45795686, 0.48501961), image)
    images = [(x[:, [2, 1, 0]] - mean) * 255 for x in (content, style, image)]
    pair, pairs = terms(state, images, "relu4_2", STYLE, gram_by_places)
    weights = [1e3 / n**2 for n in (64, 128, 256, 512, 512)]
    return mean_square(*pair) + weighted(weights, pairs, mean_square)


@published("neural_style", feeds="bgr256")
def neural_style(state, content, style, image):
    """jcjohnson/neural-style, neural_style.lua.

    Content 5, style 100 for each layer, TV 1e-3; images times 256, the mean that belongs to 255.
    TVLoss has only a backward pass; it is the gradient of 1e-3 · ½ Σ (down² + right²) over the
    pixels that have both neighbours. That potential is added here; the number which feval reports
    and hands to L-BFGS lacks it.
    """
    images = [caffe(x, 256.0) for x in (content, style, image)]
    pair, pairs = terms(state, images, "relu4_2", STYLE, gram_by_elements)
    style_loss = sum(mean_square(*p) for p in pairs)
    down, right = inner_steps(images[2])
    variation = 0.5 * ((down**2).sum() + (right**2).sum())
    return 5 * mean_square(*pair) + 100 * style_loss + 1e-3 * variation


@published("neural_style_pt", feeds="bgr255")
def neural_style_pt(state, content, style, image):
    """ProGamerGov/neural-style-pt, neural_style.py.

    As jcjohnson's, but times 255 and with TV = Σ|down| + Σ|right|.
    """
    images = [caffe(x) for x in (content, style, image)]
    pair, pairs = terms(state, images, "relu4_2", STYLE, gram_by_elements)
    style_loss = sum(mean_square(*p) for p in pairs)
    return 5 * mean_square(*pair) + 100 * style_loss + 1e-3 * absolute_variation(images[2])


class NewtonSchulzRoot(torch.autograd.Function):
    """style_transfer/sqrtm.py: sqrtm_ns forward, and sqrtm_ns_lyap's loop backward."""

    @staticmethod
    def forward(ctx, matrix):
        norm = matrix.norm()
        three = 3 * torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
        root = matrix / norm
        inverse = three / 3
        for _ in range(12):
            factor = (three - inverse @ root) / 2
            root = root @ factor
            inverse = factor @ inverse
        root = root * norm.sqrt()
        ctx.save_for_backward(root)
        return root

    @staticmethod
    def backward(ctx, gradient):
        (z,) = ctx.saved_tensors
        norm_z = z.norm()
        a = z / norm_z
        q = gradient / norm_z
        three = 3 * torch.eye(len(z), dtype=z.dtype, device=z.device)
        for i in range(12):
            q = 0.5 * (q @ (three - a @ a) - a.T @ (a.T @ q - q @ a))
            if i < 11:
                a = 0.5 * a @ (three - a @ a)
        return q / 2


newton_schulz_root = NewtonSchulzRoot.apply


def mean_and_covariance(features):
    """StyleLossW2: channel means, and E[f fᵀ] − μ μᵀ + 1e-4 I."""
    mean = features.mean((2, 3))[0]
    ridge = 1e-4 * torch.eye(len(mean), dtype=mean.dtype, device=mean.device)
    return mean, gram_by_places(features) - torch.outer(mean, mean) + ridge


def wasserstein(here, target):
    """StyleLossW2.forward: mean Δμ² + mean of diag(Σₜ + Σ − 2 (Σₜ^½ Σ Σₜ^½)^½)."""
    mean, covariance = here
    target_mean, target_covariance = target
    target_root = newton_schulz_root(target_covariance)
    cross = newton_schulz_root(target_root @ covariance @ target_root)
    spread = torch.diagonal(target_covariance + covariance - 2 * cross)
    return mean_square(mean, target_mean) + spread.mean()


def nine_point_variation(x):
    """TVLoss: squares of steps right and down (a third each) and along both diagonals (a twelfth).

    Padded by replication.
    """
    x = functional.pad(x, (1, 1, 1, 1), mode="replicate")
    height = x.shape[2] - 1
    width = x.shape[3] - 1
    right = x[:, :, 1:height, 2:] - x[:, :, 1:height, 1:width]
    down = x[:, :, 2:, 1:width] - x[:, :, 1:height, 1:width]
    falling = x[:, :, 1:, 1:] - x[:, :, :height, :width]
    rising = x[:, :, 1:, :width] - x[:, :, :height, 1:]
    straight = (right**2).mean() + (down**2).mean()
    return 2 * (straight / 3 + ((falling**2).mean() + (rising**2).mean()) / 12)


@published("crowsonkb", feeds="normalised")
def crowsonkb(state, content, style, image):
    """crowsonkb/style-transfer-pytorch, style_transfer/style_transfer.py, one scale.

    Content 0.015 (over one layer) · MSE, style layers 256:64:16:4:1 over their sum 341, TV 2 on the
    image in [0, 1]. conv1_1 pads by replication; max pooling.
    """
    images = [normalised(x) for x in (content, style, image)]
    pair, pairs = terms(
        state, images, "relu4_2", STYLE, mean_and_covariance, first_padding="replicate"
    )
    style_loss = weighted([weight / 341 for weight in (256, 64, 16, 4, 1)], pairs, wasserstein)
    return 0.015 * mean_square(*pair) + style_loss + 2 * nine_point_variation(image)


@published("gordicaleksa", feeds="rgb255")
def gordicaleksa(state, content, style, image):
    """gordicaleksa/pytorch-neural-style-transfer, neural_style_transfer.py and utils/utils.py.

    RGB 0-255 minus mean into torchvision's net, no division by a deviation. Content 1e5 · MSE,
    style 3e4 · the mean over five layers of the SUM of squares, TV 1 · (Σ|down| + Σ|right|). The
    layer called conv4_2 is relu4_2: the next slice begins with an in-place ReLU
    (models/definitions/vgg_nets.py).
    """
    mean = per_channel((123.675, 116.28, 103.53), image)
    images = [x * 255 - mean for x in (content, style, image)]
    pair, pairs = terms(state, images, "relu4_2", STYLE, gram_by_elements)
    style_loss = sum(sum_square(*p) for p in pairs) / 5
    return 1e5 * mean_square(*pair) + 3e4 * style_loss + absolute_variation(images[2])


@published("pytorch_tutorial", feeds="normalised")
def pytorch_tutorial(state, content, style, image):
    """pytorch/tutorials, advanced_source/neural_style_tutorial.py.

    The first five convolutions, before their ReLU: conv_1 to conv_5 count convolutions, so they are
    conv1_1, conv1_2, conv2_1, conv2_2, conv3_1, and the content layer conv_4 is conv2_2. Its ReLUs
    are replaced by ones that do not work in place. Style 1e6 each, content 1, no TV.
    """
    images = [normalised(x) for x in (content, style, image)]
    layers = ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1")
    pair, pairs = terms(state, images, "conv2_2", layers, gram_by_elements)
    return mean_square(*pair) + 1e6 * sum(mean_square(*p) for p in pairs)


@published("tensorflow", feeds="bgr255")
def tensorflow(state, content, style, image):
    """tensorflow/docs, site/en/tutorials/generative/style_transfer.ipynb, first run.

    Keras layers blockB_convC contain their ReLU. Gram over the places, mean squares, style 1e-2/5,
    content 1e4/1 at block5_conv2; vgg19.preprocess_input of 255 times the image.
    """
    images = [caffe(x) for x in (content, style, image)]
    pair, pairs = terms(state, images, "relu5_2", STYLE, gram_by_places)
    return 1e4 * mean_square(*pair) + 1e-2 / 5 * sum(mean_square(*p) for p in pairs)


@published("tensorflow_tv", feeds="bgr255")
def tensorflow_tv(state, content, style, image):
    """The same notebook's second run.

    Plus 30 · tf.image.total_variation, Σ|down| + Σ|right| of the image in [0, 1].
    """
    return tensorflow.__wrapped__(state, content, style, image) + 30 * absolute_variation(image)


@published("keras", feeds="bgr255")
def keras(state, content, style, image):
    """keras-team/keras-io, examples/generative/neural_style_transfer.py.

    Sums of squares, Gram undivided; each style term is over 4 · 3² · (rows · columns of the
    IMAGE)² at every layer. Content 2.5e-8 at block5_conv2, style 1e-6/5, TV
    1e-6 · Σ (down² + right²)^1.25 on the BGR 0-255 variable.
    """
    images = [caffe(x) for x in (content, style, image)]
    pair, pairs = terms(state, images, "relu5_2", STYLE, products)
    size = image.shape[2] * image.shape[3]
    style_loss = sum(sum_square(*p) for p in pairs) / (4.0 * 3**2 * size**2)
    down, right = inner_steps(images[2])
    variation = ((down**2 + right**2) ** 1.25).sum()
    return 2.5e-8 * sum_square(*pair) + 1e-6 / 5 * style_loss + 1e-6 * variation


@published("d2l", feeds="normalised")
def d2l(state, content, style, image):
    """d2l-ai/d2l-en, chapter_computer-vision/neural-style.md, PyTorch tab.

    Layers 0, 5, 10, 19, 28 and content 25 (conv4_4) are kept by reference and then overwritten by
    in-place ReLUs, except 28: the net ends there, so conv5_1 stays before its ReLU. Content 1,
    style 1e4 each, TV 10 on the normalised variable, ½ (mean|down| + mean|right|).
    """
    images = [normalised(x) for x in (content, style, image)]
    layers = (*STYLE[:4], "conv5_1")
    pair, pairs = terms(state, images, "relu4_4", layers, gram_by_elements)
    down, right = steps(images[2])
    variation = 0.5 * (down.abs().mean() + right.abs().mean())
    return mean_square(*pair) + 1e4 * sum(mean_square(*p) for p in pairs) + 10 * variation


@published("udacity", feeds="normalised")
def udacity(state, content, style, image):
    """udacity/deep-learning-v2-pytorch, style-transfer/Style_Transfer_Solution.ipynb.

    get_features runs all 37 layers, so every convolution it keeps, conv5_1 too, is overwritten by
    its in-place ReLU. Gram undivided; weight · mean square / (C·H·W of the generated features);
    style 1e6, content 1, no TV.
    """
    images = [normalised(x) for x in (content, style, image)]
    sizes = [features[0].numel() for features in walk(state, images[2], STYLE)]
    pair, pairs = terms(state, images, "relu4_2", STYLE, products)
    weights = [
        weight / size for weight, size in zip((1.0, 0.75, 0.2, 0.2, 0.2), sizes, strict=True)
    ]
    return mean_square(*pair) + 1e6 * weighted(weights, pairs, mean_square)


@published("cs231n", feeds="normalised")
def cs231n(state, content, style, image):
    """CS231n assignment 3, StyleTransfer-PyTorch.ipynb, first preset (Composition VII).

    Sums, not means. Content 5e-2, style 20000, 500, 12, 1, TV 5e-2 · (Σ down² + Σ right²) of the
    normalised variable. Its net is SqueezeNet (content 3, style 1, 4, 6, 7); relu4_2 and relu1_1 to
    relu4_1 of VGG19 in their place are OUR choice.
    """
    images = [normalised(x) for x in (content, style, image)]
    pair, pairs = terms(state, images, "relu4_2", STYLE[:4], gram_by_elements)
    style_loss = weighted((20000, 500, 12, 1), pairs, sum_square)
    down, right = steps(images[2])
    variation = (down**2).sum() + (right**2).sum()
    return 5e-2 * sum_square(*pair) + style_loss + 5e-2 * variation


@published("pystiche", feeds="normalised")
def pystiche(state, content, style, image):
    """pystiche/pystiche, examples/beginner/example_nst_with_pystiche.py.

    Style weight 1e3 with layer_weights="mean" (1/5 each), Gram over the places, mean squares,
    content 1, no TV. The encoder normalises the [0, 1] image itself (pystiche/enc/models/vgg.py,
    torchvision's weights).
    """
    images = [normalised(x) for x in (content, style, image)]
    pair, pairs = terms(state, images, "relu4_2", STYLE, gram_by_places)
    return mean_square(*pair) + 1e3 * sum(mean_square(*p) for p in pairs) / 5


# ------------------------------------------------------------------------------ optimiser settings
#
# Only what the optimiser itself takes is compared with our recipes; steps, init, size, clamp and
# output are notes about the source.
#
# unit: "rgb01"; "bgr255", "bgr256", "rgb255" (mean subtracted); "normalised" (torchvision).
# steps: calls of the optimiser's step; evaluations: of loss and gradient.
# clamp: None, or when and to what, in the variable's unit.
# output: what happens to the range when the picture is written or shown.
# size: the side meant, and its pixels.

LBFGS = {  # torch's defaults today; tolerance_grad was 1e-5 in its first years
    "name": "lbfgs",
    "lr": 1.0,
    "max_iter": 20,
    "max_eval": 25,
    "history_size": 100,
    "line_search": None,
    "tolerance_grad": 1e-7,
    "tolerance_change": 1e-9,
}
ADAM = {"name": "adam", "betas": (0.9, 0.999), "eps": 1e-8}  # torch's defaults
JOHNSON = {
    **LBFGS,
    "max_iter": 1000,
    "max_eval": 1250,
    "tolerance_grad": -1,
    "tolerance_change": -1,
    "steps": 1,
    "evaluations": 1000,
    "init": "0.001 * randn",
    "size": ("long", 512),
    "clamp": None,
    "output": "clamp 0..1",
}
TF_ADAM = {
    "name": "adam",
    "lr": 0.02,
    "betas": (0.99, 0.999),
    "eps": 0.1,
    "eps_form": "keras",  # m·lr_t / (√v + eps), see below
    "init": "content",
    "size": ("long", 512),
    "unit": "rgb01",
    "clamp": ("after step", 0.0, 1.0),
    "output": "as it is",
}

OPTIMISERS = {
    # NeuralStyleTransfer.ipynb, optim.LBFGS([opt_img]); `while n_iter <= 500`, and 20 evaluations
    # a step
    "gatys": {
        **LBFGS,
        "steps": 26,
        "evaluations": 520,
        "init": "content",
        "size": ("short", 512),
        "unit": "bgr255",
        "clamp": None,
        "output": "clamp 0..1",
    },
    # NeuralImageSynthesis, optim.lbfgs with maxIter 500, tolX = tolFun = 0, nCorrection left at 100
    "gatys_normalised": {
        **LBFGS,
        "max_iter": 500,
        "max_eval": 625,
        "tolerance_grad": 0,
        "tolerance_change": 0,
        "steps": 1,
        "evaluations": 500,
        "init": "content",
        "size": ("long", 512),  # the area, there
        "unit": "bgr255",
        "clamp": None,
        "output": "clamp 0..1",
    },
    # neural_style.lua, optim.lbfgs with maxIter, tolX = tolFun = -1, nCorrection left at 100
    "neural_style": {**JOHNSON, "unit": "bgr256"},
    # neural_style.py, setup_optimizer
    "neural_style_pt": {**JOHNSON, "unit": "bgr255"},
    # style_transfer.py, stylize: first scale 1000 steps, then 500 each; moments and the average are
    # carried upwards
    "crowsonkb": {
        **ADAM,
        "lr": 0.02,
        "betas": (0.9, 0.99),
        "steps": (1000, 500, 500, 500, 500),
        "init": "content",
        "size": ("long", (128, 181, 256, 362, 512)),
        "unit": "rgb01",
        "clamp": ("after step", 0.0, 1.0),
        "average": 0.99,
        "output": "bias-corrected average, clamp 0..1",
    },
    # neural_style_transfer.py: LBFGS(max_iter=1000, line_search_fn="strong_wolfe"), one step
    "gordicaleksa": {
        **LBFGS,
        "max_iter": 1000,
        "max_eval": 1250,
        "line_search": "strong_wolfe",
        "steps": 1,
        "init": "content",
        "size": ("height", 400),
        "unit": "rgb255",
        "clamp": None,
        "output": "clip 0..255",
    },
    # neural_style_tutorial.py: LBFGS defaults, `while run <= 300`; both images must have one size
    "pytorch_tutorial": {
        **LBFGS,
        "steps": 16,
        "evaluations": 320,
        "init": "content",
        "size": ("short", 512),
        "size_without_gpu": 128,
        "unit": "rgb01",
        "clamp": ("before each evaluation, and at the end", 0.0, 1.0),
        "output": "clamp 0..1",
    },
    # style_transfer.ipynb: 3 trial steps, then 10 · 100; Keras' eps is added to √v before the bias
    # correction, so torch's formula needs eps / sqrt(1 - 0.999**t) at step t
    "tensorflow": {**TF_ADAM, "steps": 1003},
    # style_transfer.ipynb, second run: image and (in the current text) optimiser are made anew
    "tensorflow_tv": {**TF_ADAM, "steps": 1000},
    # neural_style_transfer.py: SGD(ExponentialDecay(100, 100, 0.96)), not a staircase:
    # lr = 100 · 0.96^(step / 100)
    "keras": {
        "name": "sgd",
        "lr": 100.0,
        "momentum": 0.0,
        "decay": ("exponential, continuous", 0.96, 100),
        "steps": 4000,
        "init": "content",
        "size": ("height", 400),
        "unit": "bgr255",
        "clamp": None,
        "output": "clip 0..255",
    },
    # neural-style.md, PyTorch tab: train(..., 0.3, 500, 50) with StepLR(trainer, 50, 0.8)
    "d2l": {
        **ADAM,
        "lr": 0.3,
        "decay": ("staircase", 0.8, 50),
        "steps": 500,
        "init": "content",
        "size": ("exact", (300, 450)),
        "unit": "normalised",
        "clamp": None,
        "output": "clip 0..1",
    },
    # Style_Transfer_Solution.ipynb: transforms.Resize(int) sets the SHORT side to 400, and the
    # style is squeezed to that shape
    "udacity": {
        **ADAM,
        "lr": 0.003,
        "steps": 2000,
        "init": "content",
        "size": ("short", 400),
        "unit": "normalised",
        "clamp": None,
        "output": "clip 0..1",
    },
    # StyleTransfer-PyTorch.ipynb, style_transfer(): at t = 180 a NEW Adam with lr 0.1; clamp before
    # step t < 190
    "cs231n": {
        **ADAM,
        "lr": 3.0,
        "decay": ("new Adam at t = 180", 0.1),
        "steps": 200,
        "init": "content",
        "size": ("short", 192),
        "style_size": ("short", 512),
        "unit": "normalised",
        "clamp": ("before step, t < 190", -1.5, 1.5),
        "output": "rescaled from its minimum and maximum to 0..1",
    },
    # pystiche/optim/optim.py, default_image_optimizer: LBFGS(lr=1.0, max_iter=1), 500 steps
    "pystiche": {
        **LBFGS,
        "max_iter": 1,
        "max_eval": 1,
        "steps": 500,
        "evaluations": 500,
        "init": "content",
        "size": ("short", 500),
        "unit": "rgb01",
        "clamp": None,
        "output": "clamp 0..1",
    },
}
