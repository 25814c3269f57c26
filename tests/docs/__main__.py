"""Makes the tables of the documentation again, in place: `make docs`."""

from tests.docs.pages import pages
from tests.docs.tables import made_again

for page in pages():
    page.write_text(made_again(page.read_text()))
