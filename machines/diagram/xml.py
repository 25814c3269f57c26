"""Elements of a picture or a page, escaped by construction. Knows no particular picture."""

from xml.etree import ElementTree as ET

Element = ET.Element
Child = Element | str


def element(name: str, /, *children: Child, **attributes: object) -> Element:
    """An element. `class_` is its class; an attribute's underscores are hyphens, and None leaves it out."""
    made = ET.Element(name, {_spelled(key): _whole(str(v)) for key, v in attributes.items() if v is not None})
    for child in children:
        if isinstance(child, Element):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + _whole(child)
        else:
            made.text = (made.text or "") + _whole(child)
    return made


def svg_text(picture: Element) -> str:
    """A picture as a file."""
    ET.indent(picture, " ")
    return ET.tostring(picture, encoding="unicode") + "\n"


def html_text(page: Element) -> str:
    """A page as a file."""
    return "<!doctype html>\n" + ET.tostring(page, encoding="unicode", method="html") + "\n"


def _spelled(name: str) -> str:
    # SVG has names with capitals, and they stand as they are.
    return name.rstrip("_").replace("_", "-")


def _whole(text: str) -> str:
    """Without what no XML may hold, halves of characters, and what a terminal that shows it would obey."""
    return "".join(c if c.isprintable() or c in "\t\n" else "\ufffd" for c in text)
