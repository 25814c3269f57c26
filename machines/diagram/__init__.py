"""A machine as a picture: its arrows, their layout, the SVG. Reads the classes; nothing is drawn by hand."""
