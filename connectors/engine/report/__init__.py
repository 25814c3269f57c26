"""One page that shows what a sync did, made of its journal alone. Asks no network and no database."""
