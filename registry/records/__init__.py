"""The shelf: every record this service holds, ours and others'. It imports no sibling room."""
