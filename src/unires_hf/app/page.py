# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The page, made with gradio: a picture and expressions on the left, the masks with their scores on the right."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from unires_hf.checkpoints import DRAWINGS_ONLY
from unires_hf.inference.segmenter import Answer, Segmenter, read_expressions, read_picture
from unires_hf.report.overlay import fit

from .drawing import lay_over, legend, write_archive
from .examples import write_examples

SIDE = 768  # pixels of the picture's longer side on the page
LOWEST, HIGHEST = 0.05, 0.95  # thresholds
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


def build_page(segmenter: Segmenter, about: str, examples: Sequence[tuple[str, str]], folder: Path) -> gr.Blocks:
    """
    The page as gradio's blocks.

    Args:
        segmenter (`Segmenter`): the model that is asked.
        about (`str`): a line of Markdown under the title.
        examples: paths of pictures, each with its expressions, one a line.
        folder (`Path`): where archives of masks are written.
    """

    def ask(file: dict[str, Any] | None, lines: str, at: float | None, request: gr.Request) -> tuple[Any, ...]:
        try:
            if file is None:
                raise ValueError("Choose a picture first: drop one, or click on an example.")
            answer = segmenter.ask(read_picture(file["path"]), read_expressions(lines))
        except ValueError as error:
            gr.Warning(str(error))
            return None, None, None, gr.DownloadButton(value=None, interactive=False)
        return answer, *show(answer, at, request)

    def show(answer: Answer | None, at: float | None, request: gr.Request) -> tuple[Any, ...]:
        if answer is None:  # the slider was moved before anything was asked
            return gr.skip(), gr.skip(), gr.skip()
        at = min(max(at or 0, LOWEST), HIGHEST)  # who types 0.5 is at 0 for a moment
        picture = fit(answer.picture, SIDE)
        results = segmenter.masks(answer, at, picture.size[::-1])
        archive = write_archive(segmenter.masks(answer, at), folder / request.session_hash / "masks.zip")
        return lay_over(picture, results), legend(results), gr.DownloadButton(value=archive, interactive=True)

    with gr.Blocks(title="UniRES", analytics_enabled=False, delete_cache=(3600, 3600)) as page:
        gr.Markdown(f"# Segment what a phrase refers to\n{about}")
        answer = gr.State(time_to_live=3600)
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
                    value=segmenter.model.config.mask_threshold,
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
        chosen.load_input_event.then(**asked)
        threshold.change(show, [answer, threshold], shown, preprocess=False, show_progress="hidden")
    return page


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
        page = build_page(segmenter, about_model(model), write_examples(Path(folder)), Path(folder))
        open_page(page, server_name=host, server_port=port, share=share)


def open_page(page: gr.Blocks, **options: Any) -> str:
    """Launches a page in its own style, with gradio's `launch` options; returns its address."""
    return page.launch(theme=THEME, css=STYLE, footer_links=[], ssr_mode=False, **options)[1]


def about_model(model: str) -> str:
    """The line of the page that says which model answers."""
    return (
        DRAWINGS_ONLY if model == "default" else f"The model is {Path(model).name if Path(model).is_dir() else model}."
    )
