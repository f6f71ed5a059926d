# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Cases of several models as one HTML file that needs nothing else, to look through many of them."""

import base64
import html
import io
import json
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from .cases import Case
from .overlay import BY_GRANULARITY

SIDE = 320  # pixels of the longer side of a picture; masks stay at original size, as RLE, and are drawn in the browser
_TEMPLATE = Path(__file__).with_suffix(".html")


def write_page(cases: Sequence[Case], names: Sequence[str], table: str) -> str:
    """The page: the table, and the cases to be filtered by granularity, rule and words, and sorted by IoU.

    Args:
        cases: of [`compared_cases`].
        names (`Sequence[str]`): of the models, in the order of the predictions.
        table (`str`): Markdown, its lines that begin with "|" as a table, the rest as text.
    """
    places = {image: place for place, image in enumerate(dict.fromkeys(case.image for case in cases))}
    pictures = {case.image: case.picture for case in cases}
    content = {
        "names": list(names),
        "colors": BY_GRANULARITY,
        "pictures": [_inlined(pictures[image]) for image in places],
        "cases": [
            {
                "rule": case.rule,
                "picture": places[case.image],
                "image": case.image[1],
                "text": case.text,
                "granularity": case.granularity,
                "size": list(case.truth["size"]),
                "masks": [rle["counts"] for rle in (*case.predictions, case.truth)],
                "ious": [round(iou, 4) for iou in case.ious],
                "truth": "ground truth: no referent" if case.no_target else "ground truth",
                "verdicts": [case.verdict(model) for model in range(len(names))],
            }
            for case in cases
        ],
    }
    # A "<" in the words must not end the script.
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    page = _TEMPLATE.read_text(encoding="utf-8")
    return page.replace("<!-- TABLE -->", _as_html(table)).replace("/* DATA */ null", data)


def _inlined(picture: Image.Image) -> str:
    picture = picture.copy()
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def _as_html(table: str) -> str:
    head, _, *body = [line for line in table.splitlines() if line.startswith("|")]
    rows = [[html.escape(cell.strip().strip("*")) for cell in line.strip("|").split("|")] for line in (head, *body)]
    lines = ["<tr>" + "".join(f"<th scope=col>{cell}</th>" for cell in rows[0]) + "</tr>"]
    for first, *rest in rows[1:]:
        lines.append(f"<tr><th scope=row>{first}</th>" + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>")
    caption = " ".join(line for line in table.splitlines() if not line.startswith("|")).replace("`", "")
    return f"<table>{''.join(lines)}</table>\n<p class=note>{html.escape(caption.strip())}</p>"
