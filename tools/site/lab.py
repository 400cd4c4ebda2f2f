"""What JupyterLab asks when it saves a notebook. Imports nothing: the server waits for it."""

# JupyterLab writes the language of the kernel into every notebook that is opened. It is stored like
# that, so that opening one changes nothing.
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": "3.11.0",
}


def keep_language(model: dict, **_) -> None:
    """Save a notebook with the language it was stored with, and not with the reader's Python.

    model: what JupyterLab is about to save; it is changed. Another language than Python stays.
    """
    if model["type"] == "notebook":
        metadata = model["content"]["metadata"]
        if metadata.get("language_info", {}).get("name") == "python":
            metadata["language_info"] = LANGUAGE
