"""Run the cells of one notebook in a fresh kernel of this very Python."""

from collections.abc import Callable
from pathlib import Path

import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient


async def execute(
    notebook: nbformat.NotebookNode,
    folder: Path,
    timeout: int,
    callback: Callable[[int], None] | None = None,
) -> None:
    """Run the cells from top to bottom and put their outputs into the notebook.

    folder: the working folder of the kernel. timeout: seconds that one cell may take.
    callback: called with the number of each code cell, counted from 1, when it starts.

    Raises CellExecutionError, CellTimeoutError or DeadKernelError (of nbclient). The kernel is gone
    afterwards in any case.
    """
    # Without folders to search, the only kernel there is belongs to the interpreter that runs this,
    # whatever else is registered under the name python3 on this computer.
    kernels = KernelSpecManager(kernel_dirs=[])
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=kernels)
    client = NotebookClient(
        notebook,
        km=manager,
        resources={"metadata": {"path": str(folder)}},
        timeout=timeout,
        record_timing=False,
        coalesce_streams=True,  # else chance decides how many outputs one print becomes
        extra_arguments=["--log-level=ERROR"],
    )
    client.log.disabled = True  # what it would log, the caller says in one sentence
    number = 0
    # NotebookClient.async_execute would do all this, but it takes Ctrl-C for a dead kernel.
    try:
        await client.async_start_new_kernel()
        await client.async_start_new_kernel_client()
        for index, cell in enumerate(notebook.cells):
            if is_run(cell):
                number += 1
                if callback:
                    callback(number)
            await client.async_execute_cell(cell, index)
    finally:
        if client.kc:
            client.kc.stop_channels()
        await manager.shutdown_kernel(now=True)


def is_run(cell: nbformat.NotebookNode) -> bool:
    """Tell whether this cell will be executed: it holds code, and is not empty."""
    return cell.cell_type == "code" and bool(cell.source.strip())
