"""We harvest: other registries' records, by OAI-PMH, onto our shelf."""
