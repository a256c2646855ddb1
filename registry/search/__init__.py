"""Search: RegTAP 1.2 over TAP 1.1 on the projection of the records, and the page that searches the same tables."""
