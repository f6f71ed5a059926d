# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The page, made with gradio: a picture and expressions on the left, the masks with their scores on the right."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from unires_hf.inference.origin import made_by
from unires_hf.inference.segmenter import Segmenter
from unires_hf.loading import commit_of
from unires_hf.report.overlay import fit

from .drawing import lay_over, legend, write_archive
from .examples import write_examples
from .memory import Memory
from .requests import HIGHEST, LOWEST, read_expressions, read_threshold, read_upload

SIDE = 768  # pixels of the picture's longer side on the page
LARGEST = "100mb"  # an upload
STYLE = """
.legend {list-style: none; margin: 0; padding: 0}
.legend li {display: flex; align-items: center; gap: 0.6em; margin: 0; padding: 0.2em 0}
.legend .swatch {flex: none; width: 1em; height: 1em; border-radius: 3px}
.legend .expression {flex: 1; overflow-wrap: anywhere}
.legend .score {font-variant-numeric: tabular-nums; opacity: 0.7}
"""
# Only fonts of the reader's own machine.
THEME = gr.themes.Default(
    primary_hue="blue", font=("system-ui", "sans-serif"), font_mono=("ui-monospace", "monospace")
)


def build_page(
    segmenter: Segmenter, about: str, examples: Sequence[tuple[str, str]], folder: Path, origin: dict[str, Any]
) -> gr.Blocks:
    """
    The page as gradio's blocks.

    Args:
        segmenter (`Segmenter`): the model that is asked.
        about (`str`): a line of Markdown under the title.
        examples: paths of pictures, each with its expressions, one a line.
        folder (`Path`): where archives of masks are written, under names of the server's own making.
        origin (`dict`): what the masks in the archives carry, see [`made_by`].
    """

    memory = Memory(segmenter, folder)

    def ask(file: Any, lines: Any, at: Any) -> tuple[Any, ...]:
        try:
            picture = read_upload(file, Path(get_upload_folder()))
            said = memory.ask(picture, read_expressions(lines))
        except ValueError as error:
            gr.Warning(str(error))
            return None, None, None, gr.DownloadButton(value=None, interactive=False)
        name = memory.keep(said, fit(picture, SIDE))
        return name, *show(name, at)

    def show(name: str | None, at: Any) -> tuple[Any, ...]:
        kept = memory.find(name)
        if kept is None:  # the slider was moved before anything was asked, or long after
            return gr.skip(), gr.skip(), gr.skip()
        at = read_threshold(at)
        (results,) = segmenter.masks(kept.said, [kept.shown.size[::-1]], mask_threshold=at)
        archive = write_archive(
            (segmenter.masks(one, mask_threshold=at)[0][0] for one in kept.said.one_by_one()),
            kept.folder,
            {**origin, "mask_threshold": at},
        )
        return lay_over(kept.shown, results), legend(results), gr.DownloadButton(value=archive, interactive=True)

    with gr.Blocks(title="UniRES", analytics_enabled=False, delete_cache=(3600, 3600)) as page:
        gr.Markdown(f"# Segment what a phrase refers to\n{about}")
        answer = gr.State(time_to_live=3600)  # the name of what memory holds
        with gr.Row():
            with gr.Column():
                picture = gr.Image(label="Picture", type="filepath", sources=["upload", "clipboard"], height=360)
                expressions = gr.Textbox(
                    label="Expressions, one a line",
                    lines=4,
                    max_lines=12,
                    placeholder="the red truck\nleft wheel of the red truck",
                )
                button = gr.Button("Segment", variant="primary")
                chosen = gr.Examples(
                    [list(example) for example in examples], [picture, expressions], visible_columns=[0]
                )
            with gr.Column():
                overlay = gr.Image(label="Masks", interactive=False, format="png", buttons=["fullscreen"], height=480)
                scores = gr.HTML()
                threshold = gr.Slider(
                    LOWEST,
                    HIGHEST,
                    value=segmenter.processor.mask_threshold,
                    step=0.05,
                    label="Threshold",
                    info="A pixel belongs to a mask above this probability.",
                )
                download = gr.DownloadButton("Download masks", interactive=False)
        shown = [overlay, scores, download]
        # Inputs come as they were sent: gradio would open the file itself, and not say what is wrong with it.
        asked = {
            "fn": ask,
            "inputs": [picture, expressions, threshold],
            "outputs": [answer, *shown],
            "preprocess": False,
        }
        button.click(**asked, api_name="segment")
        chosen.load_input_event.then(**asked, api_visibility="private")
        threshold.change(
            show, [answer, threshold], shown, preprocess=False, show_progress="hidden", api_visibility="private"
        )
    return page.queue(max_size=100)


def serve(model: str, host: str | None = None, port: int | None = None, share: bool = False) -> None:
    """
    Opens the page and serves it until it is interrupted.

    Args:
        model (`str`): `default`, a folder, or a repository of the Hub.
        host (`str`, *optional*): the address to listen on; by default this machine's own only, or GRADIO_SERVER_NAME.
        port (`int`, *optional*): by default the first free one from 7860 on.
        share (`bool`, *optional*, defaults to `False`): also makes a public address, through gradio's servers.

    Raises:
        OSError: if there is no such checkpoint, or the port is taken.
        ValueError: if the checkpoint is no UniRES.
    """
    segmenter = Segmenter.from_pretrained(model)
    with tempfile.TemporaryDirectory(prefix="unires-app-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(Path(folder, "uploads"))  # else all of the machine's pages share one
        shown = Path(model).name if Path(model).is_dir() else model  # visitors need not know the server's folders
        origin = made_by(shown, segmenter.processor, revision=commit_of(model))
        about = segmenter.model.config.notice or f"The model is {shown}."
        page = build_page(segmenter, about, write_examples(Path(folder)), Path(folder), origin)
        open_page(page, server_name=host, server_port=port, share=share)


def open_page(page: gr.Blocks, **options: Any) -> str:
    """Launches a page in its own style, with gradio's `launch` options; returns its address."""
    return page.launch(theme=THEME, css=STYLE, footer_links=[], ssr_mode=False, max_file_size=LARGEST, **options)[1]
