"""The command line: everything the pages can do, for scripts and people. It decides nothing: it calls the rooms."""
