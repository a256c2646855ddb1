"""A record as a form: its fields from the schemas, its values from its XML and back, its faults by field. No flask here."""
