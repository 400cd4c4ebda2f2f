"""How fast the series paints, beside its peers and beside what the machine could do.

    python -m tools.bench                     everything, about half an hour on two cores
    python -m tools.bench --quick             smaller pictures, fewer repeats: under 3 minutes
    python -m tools.bench --only race,tricks  some topics
    python -m tools.bench --only race --ten-pairs --peers tutorial   hours; how the gains spread

    race     seconds to the objective that a published loop reaches, on the same network, pictures
             and machine
    tricks   what each trick gains: the race without it
    floor    ms per evaluation, against multiply-adds over the machine's measured peak (of direct
             convolutions; Winograd's need fewer, and can stay below)
    growth   time and peak memory against the number of pixels
    memory   peak memory, against the same run without our savings
    first    seconds from a warm start to the first painting of notebook 00
    gpu      ms per evaluation on a GPU: float32, tf32, bfloat16, compiled and as CUDA graphs (only
             where there is one)

Times are medians of interleaved repeats; ratios are worth more than seconds. Results go to --out
(JSON, a plot, and a page with both sides of each race at equal objective); topics that stand there
already, from the same machine and settings, stay. The network is the original VGG19. What was found
on some machines is in the folder `results`.
"""
