"""Pages on which people write records: the form, the XML, what was overtaken, the review before publishing."""
