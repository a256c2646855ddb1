"""The standard APIs inside the datacenter: described, found, reached; and our own VOSI documents."""
