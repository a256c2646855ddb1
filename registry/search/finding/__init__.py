"""Finding records: by words and facets for people, by cells of the sky for ADQL. It answers no request by itself."""
