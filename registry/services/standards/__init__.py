"""Standard APIs as records: those that come with the product, those that a site defines, and who implements each here."""
