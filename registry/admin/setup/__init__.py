"""The first run on pages: a one-time link, four screens, and the founding records. `registry init` is its twin."""
