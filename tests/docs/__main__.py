"""Makes the tables of the documentation anew, in place: `make docs`."""

from tests.docs.pages import pages
from tests.docs.tables import made_anew

for page in pages():
    page.write_text(made_anew(page.read_text()))
